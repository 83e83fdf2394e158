import { partialFacts } from "./handshake/request-facts.ts";
import { upgrade } from "./handshake/upgrade.ts";
import { Listener, type KeyPair } from "./ports/listener.ts";
import type { OpenPort } from "./ports/open-port.ts";
import type { ServedProxy } from "./served-proxy.ts";
import type { WaitingRoom } from "./waiting/waiting-room.ts";

/** A proxy in service with its port and certificate: what arrives at the port becomes a handshake of this proxy. */
export class ProxyListener {
  readonly proxy: ServedProxy;
  readonly #room: WaitingRoom;
  #port: OpenPort | undefined;
  #keyPair: KeyPair | undefined;
  /** What the port leads to. */
  #listener: Listener | undefined;

  constructor(proxy: ServedProxy, room: WaitingRoom) {
    this.proxy = proxy;
    this.#room = room;
  }

  /** undefined: it does not listen. */
  get port(): OpenPort | undefined {
    return this.#port;
  }

  get keyPair(): KeyPair | undefined {
    return this.#keyPair;
  }

  /**
   * Connections to this port are the proxy's from now on; it has a config in force. Open connections stay, whatever
   * changes.
   */
  listen(port: OpenPort, keyPair: KeyPair | undefined): void {
    const sameForm = (this.#keyPair === undefined) === (keyPair === undefined);
    this.#keyPair = keyPair;
    if (this.#listener !== undefined && this.#port === port && sameForm) {
      if (keyPair !== undefined) this.#listener.rotate(keyPair);
      return;
    }
    const { proxy } = this;
    this.#port = port;
    this.#listener = new Listener({
      keyPair,
      room: this.#room,
      trusts: (address) => proxy.snapshot?.trusted.has(address) ?? false,
      handshakeTimeout: () => proxy.snapshot?.handshakeTimeout ?? 0,
      arrived: (client) => void upgrade(client, proxy),
      tlsFailed: (address, cause) => proxy.tlsFailed(address, cause),
      broken: (socket, refusal, { target, authority }) => {
        const attempt = proxy.begin(socket);
        attempt.describe(partialFacts(target, authority));
        attempt.refuse(refusal);
        attempt.end();
      },
    });
    port.leadTo(this.#listener);
  }

  /** The port leads to another proxy now. */
  handedOver(): void {
    this.#port = undefined;
  }
}
