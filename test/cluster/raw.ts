import { once } from "node:events";
import { connect } from "node:net";
import { request, type HandshakeParts } from "../fakes/clients.ts";
import { Peer, until } from "../fakes/sockets.ts";

/** A TCP socket of this machine to a port in the cluster, that has sent a handshake byte by byte. */
export class RawSocket extends Peer {
  static async handshake(host: string, port: number, parts: HandshakeParts = {}): Promise<RawSocket> {
    const socket = connect({ host, port, allowHalfOpen: true });
    const raw = new RawSocket(socket);
    socket.setNoDelay(true);
    await once(socket, "connect");
    socket.write(request(parts));
    return raw;
  }

  /** The head of the answer, as it came. */
  async head(): Promise<string> {
    await until("an answer's head came", () => this.received.includes("\r\n\r\n") || this.closed);
    return this.received.toString("latin1", 0, Math.max(0, this.received.indexOf("\r\n\r\n")));
  }
}
