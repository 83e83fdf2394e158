/** What the tests use of the npm package `websocket`, which brings no types. */
declare module "websocket" {
  import type { EventEmitter } from "node:events";

  interface Connection extends EventEmitter {
    /** False as soon as a Close frame has come. */
    readonly connected: boolean;
    send(data: string): void;
    close(code?: number, reason?: string): void;
  }

  export class client extends EventEmitter {
    constructor(config?: { readonly tlsOptions?: { readonly ca?: string } });
    connect(url: string): void;
    on(event: "connect", listener: (connection: Connection) => void): this;
    on(event: "connectFailed", listener: (error: Error) => void): this;
  }
}
