/** The WebSocketProxy to which everything belongs. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
