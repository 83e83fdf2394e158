/** The WebSocketProxy that owns the rendered objects. */
export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
