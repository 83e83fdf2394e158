/** What pods are to serve: the hashes that their /config shows. */
export interface Wanted {
  readonly hash: string;
  readonly endpointsHash: string;
}

/** What pods are to serve, as one word. */
export function textOf({ hash, endpointsHash }: Wanted): string {
  return `${hash} ${endpointsHash}`;
}
