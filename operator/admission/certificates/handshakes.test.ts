import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { CertificateBench, DAY, HOST, MINUTE, SECOND, type Replica } from "../../../test/fakes/certificate-bench.ts";

/** A TLS server that serves what its replica has, from each moment on; resolves with its port. */
async function serverOf({ certificates }: Replica): Promise<number> {
  const server = createServer({ ...certificates.current }, (socket) => void socket.on("error", () => {}).end());
  certificates.onChange(() => server.setSecureContext({ ...certificates.current }));
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Which certificate a client sees that trusts this bundle, or how its handshake fails. */
async function handshake(port: number, ca: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, servername: HOST, ca, minVersion: "TLSv1.2" });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.toString() ?? "none";
  } catch (error) {
    return (error as Error).message;
  } finally {
    socket.destroy();
  }
}

test(
  "no handshake fails over a whole rotation, with the bundle of that moment or of 30 s before",
  { timeout: 60_000 },
  async () => {
    // OpenSSL goes by the machine's clock: the rotation happens about now. Certificates know whole seconds only.
    const bench = new CertificateBench(Math.floor(Date.now() / SECOND) * SECOND - 60 * DAY);
    bench.install();
    bench.start({ leading: true });
    await bench.pass(2 * SECOND); // so that the two do not look in the same moment
    bench.start();
    await bench.pass(59 * DAY, 20 * DAY);
    await bench.pass(DAY - 5 * SECOND, DAY);
    const [first] = [bench.bundle];
    const ports = await Promise.all(bench.replicas.map(serverOf));

    const bundles: string[] = [];
    const seen = ports.map((): string[] => []);
    for (let at = 0; at < 14 * MINUTE; at += 2.5 * SECOND) {
      await bench.pass(2.5 * SECOND, 2.5 * SECOND);
      bundles.push(bench.bundle);
      for (const [index, port] of ports.entries()) {
        for (const bundle of new Set([bench.bundle, bundles.at(-12) ?? first])) {
          const result = await handshake(port, bundle);
          expect(result).toMatch(/^-----BEGIN CERTIFICATE-----/);
          if (seen[index]?.at(-1) !== result) seen[index]?.push(result);
        }
      }
    }
    expect(new Set(bundles).size).toBe(4); // old, old and new, new and old, new
    expect(seen.map(({ length }) => length)).toEqual([2, 2]);
    for (const port of ports) expect(await handshake(port, first)).toMatch(/^(unable to|self.signed)/);
  },
);
