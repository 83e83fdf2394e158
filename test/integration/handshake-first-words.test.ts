import { afterEach, beforeAll, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { parse, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
let server: { certificate: string; privateKey: string };
beforeAll(async () => {
  ca = await Authority.create();
  server = await ca.issue({ names: ["a.test", "echo.internal"] });
});

const ROUNDS = 1000;
const AT_ONCE = 20;
const LONG = "y".repeat(70_000);

test.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])(
  "of 1,000 sessions none loses a frame that either end sends at once (TLS to the client %s, to the backend %s)",
  async (front, back) => {
    const backend = await new RawBackend(
      (connection) => {
        connection.socket.once("end", () => connection.socket.end());
        const round = connection.values("x-round")[0] ?? "";
        // In the packet of the 101, one more right behind it, and now and then one that fills several reads.
        connection.accept([], text(`b${round}`));
        connection.send(text(Number(round) % 100 === 0 ? LONG : "then"));
      },
      back ? { cert: server.certificate, key: server.privateKey } : undefined,
    ).open();
    open.push(backend);
    const tls = back ? { tls: { serverName: "echo.internal", ca: ca.ca } } : {};
    const gateway = await new TestGateway().serve(
      {
        ...(front ? { tls: { keyPair: server } } : {}),
        routes: [{ backends: [{ endpoints: "echo:80", weight: 1, ...tls }] }],
      },
      [backend.port],
    );
    open.push(gateway);
    const connect = (): Promise<RawClient> =>
      front ? RawClient.openTls(gateway.port, { ca: ca.ca, servername: "a.test" }) : RawClient.open(gateway.port);

    const once = async (round: number): Promise<void> => {
      const client = await connect();
      const head = Buffer.from(request({ headers: { "X-Round": String(round) } }));
      client.send(head, text(`c${round}`, true), text("then", true));
      const wanted = [`b${round}`, round % 100 === 0 ? LONG : "then"];
      await until("the backend's words came", () => client.closed || parse(client.payload).frames.length >= 2);
      expect(parse(client.payload).frames.map(({ payload }) => payload.toString())).toEqual(wanted);
      const connection = backend.connections.find((it) => it.values("x-round")[0] === String(round));
      const said = (): string[] =>
        parse(connection?.payload ?? Buffer.alloc(0)).frames.map(({ payload }) => payload.toString());
      await until("the client's words came", () => said().length >= 2);
      expect(said()).toEqual([`c${round}`, "then"]);
      client.socket.destroy();
      backend.connections.splice(backend.connections.indexOf(connection!), 1);
    };
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < ROUNDS) await once(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await gateway.empty();
    expect(await gateway.metric("handshakes_total", { status: "101" })).toBe(ROUNDS);
    expect(await gateway.metric("messages_total")).toBe(4 * ROUNDS);
  },
);
