import { LRUCache } from "lru-cache";
import { createSecureContext, type SecureContext } from "node:tls";
import type { BackendConfig } from "../../api/config.ts";

/** TLS contexts towards backends: making one costs more than a handshake, and most sessions share a few. */
export class BackendTlsCache {
  readonly #contexts = new LRUCache<string, SecureContext>({ max: 256 });

  /** Verification is always on: there is no setting that turns it off. */
  contextOf({ ca, client }: NonNullable<BackendConfig["tls"]>): SecureContext {
    const key = JSON.stringify([ca, client]);
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = createSecureContext({
        minVersion: "TLSv1.2",
        ...(ca === undefined ? {} : { ca }),
        ...(client === undefined ? {} : { cert: client.certificate, key: client.privateKey }),
      });
      this.#contexts.set(key, context);
    }
    return context;
  }
}
