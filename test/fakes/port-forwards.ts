import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { FakeApiServer } from "./api-server.ts";

/** What the kubelet speaks over a WebSocket: each frame begins with the number of its channel. */
const PROTOCOL = "v4.channel.k8s.io";
const [DATA, ERROR] = [0, 1];

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward$/;

/** Port-forwards of a fake API server: the port of a pod leads to a port of this machine. */
export class PortForwards {
  /** `namespace/pod:port` → port on 127.0.0.1; undefined: the node cannot open it. */
  readonly ports = new Map<string, number | undefined>();
  /** Status with which upgrades are refused; undefined: they are not. */
  refuse: number | undefined;
  /** Port-forwards since the start: `namespace/pod:port`. */
  readonly asked: string[] = [];
  readonly #open = new Map<WebSocket, { readonly key: string; readonly socket: Socket }>();
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });

  constructor(api: FakeApiServer) {
    api.upgrade = (request, socket, head) => this.#upgrade(request, socket, head);
  }

  /** Port-forwards that are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Ends the port-forwards of a pod, as its end would. */
  cut(pod: string): void {
    for (const [carrier, { key }] of this.#open) if (key.includes(`/${pod}:`)) carrier.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, namespace = "", pod = ""] = PATH.exec(url.pathname) ?? [];
    const port = Number(url.searchParams.get("ports"));
    const key = `${namespace}/${pod}:${port}`;
    this.asked.push(key);
    const status = this.refuse ?? (this.ports.has(key) ? undefined : 404);
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
    this.#server.handleUpgrade(request, socket, head, (carrier) => this.#forward(carrier, key, port));
  }

  #forward(carrier: WebSocket, key: string, port: number): void {
    const send = (channel: number, bytes: Buffer): void => carrier.send(Buffer.concat([Buffer.from([channel]), bytes]));
    const announced = Buffer.alloc(2);
    announced.writeUInt16LE(port);
    send(DATA, announced);
    send(ERROR, announced);
    const local = this.ports.get(key);
    if (local === undefined) {
      send(ERROR, Buffer.from(`error forwarding port ${port}: connection refused`));
      return carrier.close();
    }
    const socket = connect(local, "127.0.0.1");
    this.#open.set(carrier, { key, socket });
    socket.on("data", (bytes: Buffer) => send(DATA, bytes));
    socket.on("error", (error) => send(ERROR, Buffer.from(error.message)));
    socket.on("close", () => carrier.close());
    carrier.on("message", (frame: Buffer) => {
      if (frame[0] === DATA) socket.write(frame.subarray(1));
    });
    carrier.on("error", () => {});
    carrier.on("close", () => {
      this.#open.delete(carrier);
      socket.destroy();
    });
  }
}
