import type { Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { CLOSE_CODES, type Termination } from "../../dataplane/rejection.ts";
import { WsBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { LIBRARIES } from "../fakes/client-libraries.ts";
import { frame } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

/** A session is busy once client and backend have got so many messages. */
const BUSY = 50;
/** Bytes that may wait in the backend. */
const MOST_BUFFERED = 200_000;
const LARGEST = 300_000;
const PARTS = [2, 0, 0, 0];

/** Why a session ends: the gateway's own reason, or what its backend does. */
type Cause = Termination | ((backend: WebSocket) => void);
// oxlint-disable-next-line no-underscore-dangle -- `ws` offers no other way to its socket
const socketOf = (backend: WebSocket): Socket => (backend as unknown as { _socket: Socket })._socket;
const sends =
  (bytes: Buffer): Cause =>
  (backend) =>
    void socketOf(backend).write(bytes);

const CAUSES: readonly (readonly [code: number, text: string, cause: Cause])[] = [
  [1001, "RouteRemoved", { reason: "RouteRemoved" }],
  [1002, "ProtocolError", sends(frame({ opcode: 3 }))],
  [1008, "TooManyFragments", sends(Buffer.concat(PARTS.map((opcode) => frame({ opcode, fin: false }))))],
  [1008, "MessageRate; retry-after=7", { reason: "MessageRate", retryAfter: 7 }],
  [1008, "EndedByOperator; Grüße 😀", { reason: "EndedByOperator", text: "Grüße 😀" }],
  [1009, "MessageTooBig", sends(frame({ opcode: 2, payload: Buffer.alloc(LARGEST + 1) }))],
  [1012, "Draining", { reason: "Draining" }],
  [1013, "BackendLost", (backend) => backend.terminate()],
  [3000, "CredentialRevoked", { reason: "CredentialRevoked" }],
  [3003, "Denied", { reason: "Denied" }],
  [3008, "LifetimeEnded", { reason: "LifetimeEnded" }],
];

let ca: Authority;
const trusted = getCACertificates("default");
beforeAll(async () => {
  ca = await Authority.create();
  setDefaultCACertificates([...trusted, ca.ca]); // Node's own client takes no other
});
afterAll(() => setDefaultCACertificates(trusted));

test("each code that the gateway sends is tried", () => {
  expect(new Set(CAUSES.map(([code]) => code))).toEqual(CLOSE_CODES);
});

describe.each(["ws", "wss"])("%s", (scheme) => {
  let backend: WsBackend;
  let gateway: TestGateway;
  /** The backend's sockets of the sessions that are open, and how many messages each has got. */
  const backends = new Map<WebSocket, number>();

  beforeAll(async () => {
    backend = await new WsBackend((socket) => {
      backends.set(socket, 0);
      socket.on("message", () => backends.set(socket, (backends.get(socket) ?? 0) + 1));
      socket.on("close", () => backends.delete(socket));
      again(() => {
        if (socket.bufferedAmount < MOST_BUFFERED) socket.send("x".repeat(2000));
        return socket.readyState === 1;
      });
    }).open();
    const keyPair = await ca.issue({ names: ["a.test"], addresses: ["127.0.0.1"] });
    const routes = [{ policies: { messageSize: { fromBackend: String(LARGEST), maxFragments: 3 } } }];
    gateway = await new TestGateway().serve({ ...(scheme === "wss" ? { tls: { keyPair } } : {}), routes }, [
      backend.port,
    ]);
  });
  afterAll(async () => {
    await gateway.close();
    await backend.close();
  });

  test.each(CAUSES)("%d %s reaches every client while messages stream both ways", async (code, reason, cause) => {
    const names = Object.keys(LIBRARIES);
    const clients = await Promise.all(
      Object.values(LIBRARIES).map((open) => open(`${scheme}://127.0.0.1:${gateway.port}/`, ca.ca)),
    );
    for (const client of clients) {
      again(() => {
        client.send("y".repeat(500));
        return client.closed === undefined;
      });
    }
    await until(
      "all are busy",
      () =>
        clients.every(({ messages }) => messages > BUSY) &&
        backends.size === clients.length &&
        [...backends.values()].every((messages) => messages > BUSY),
    );
    if (typeof cause === "function") for (const socket of backends.keys()) cause(socket);
    else for (const { sessions } of gateway.gateway.proxies) for (const one of sessions) one.terminate(cause);
    await until("all are told", () => clients.every(({ closed }) => closed !== undefined));
    expect(clients.map(({ closed }, at) => [names[at], closed])).toEqual(names.map((name) => [name, { code, reason }]));
    await gateway.empty();
    await until("the backend has none left", () => backends.size === 0);
  });
});

/** Does so many times in each turn of the event loop what answers whether to go on. */
function again(act: () => boolean): void {
  for (let times = 0; times < 8; times += 1) if (!act()) return;
  setTimeout(() => again(act), 1);
}
