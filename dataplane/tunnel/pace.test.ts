import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { Authority } from "../../test/fakes/certificates.ts";
import { socketPair, until } from "../../test/fakes/sockets.ts";
import { dataPath, SharedPath } from "./byte-source.ts";
import { readOf } from "./pace.ts";

const open: { destroy(): void }[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.destroy();
  for (const one of servers.splice(0)) one.close();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
async function listening(server: Server): Promise<Server> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const sink = { behind: false, waits: false, bytes() {}, ended() {} };

test.each([dataPath, new SharedPath()])("bytes that came over TCP count as read, through $name", async (path) => {
  const { peer, socket } = await socketPair();
  const source = path.open(socket);
  open.push(peer.socket, source.socket);
  source.to(sink);
  source.resume();
  const before = readOf(source.socket);
  peer.send(Buffer.from("12345"));
  await until("they were read", () => readOf(source.socket) === before + 5);
});

test("a part of a TLS record counts as read, although nothing of it can be given out yet", async () => {
  const ca = await Authority.create();
  const { certificate, privateKey } = await ca.issue({ names: ["a.test"] });
  let given = 0;
  let near: TLSSocket | undefined;
  const tls = await listening(
    createTlsServer({ cert: certificate, key: privateKey }, (socket) => {
      near = socket;
      open.push(socket);
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => (given += chunk.length));
    }),
  );
  let most = Number.POSITIVE_INFINITY;
  const relay = await listening(
    createServer((from: Socket) => {
      const to = connect(portOf(tls), "127.0.0.1");
      open.push(from, to);
      for (const socket of [from, to]) socket.on("error", () => {});
      to.pipe(from);
      from.on("data", (chunk: Buffer) => to.write(chunk.subarray(0, most)));
    }),
  );
  const far = connectTls({ port: portOf(relay), host: "127.0.0.1", ca: ca.ca, servername: "a.test" });
  open.push(far);
  far.write("whole");
  await until("the first record is there", () => given === 5);
  const before = readOf(near as TLSSocket);
  most = 10;
  far.write("a record of which ten bytes arrive");
  await until("its part was read", () => readOf(near as TLSSocket) === before + 10);
  expect(given).toBe(5);
});
