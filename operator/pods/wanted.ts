/** What pods are to serve: the hashes that their /config shows. */
export interface Wanted {
  readonly hash: string;
  readonly endpointsHash: string;
}

/** What the pods of one proxy are asked for. */
export interface Target {
  /** `<namespace>/<name>` */
  readonly proxy: string;
  readonly wanted: Wanted;
  /** Generation of the WebSocketProxy of which the config is made. */
  readonly generation: number;
  /** The admin token of the proxy; undefined: it cannot be read. */
  readonly token: string | undefined;
}

/** Both hashes as one text. */
export function textOf({ hash, endpointsHash }: Wanted): string {
  return `${hash} ${endpointsHash}`;
}
