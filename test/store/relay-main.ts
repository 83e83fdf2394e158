import { connect, createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { Direction, Order, RelayCount } from "./relay.ts";
import { Flow, Way, type Ways } from "./relayed.ts";

// The thread of a Relay.

const { port, to } = workerData as { readonly port: number; readonly to: number };
const ways: Ways = { up: new Way(), down: new Way() };
let target = to;
let ever = 0;

interface Line {
  readonly sockets: readonly Socket[];
  readonly up: Flow;
  readonly down: Flow;
}
const lines = new Set<Line>();

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  ever += 1;
  const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const line: Line = {
    sockets: [client, far],
    up: new Flow(client, far, ways.up, Math.random),
    down: new Flow(far, client, ways.down, Math.random),
  };
  lines.add(line);
  for (const [one, other, flow] of [
    [client, far, line.up],
    [far, client, line.down],
  ] as const) {
    // A reset passes like bytes do: a network that carries nothing carries no reset either.
    one.on("error", () => {
      if (!flow.lost && !(flow === line.up ? ways.up : ways.down).silent) other.resetAndDestroy();
    });
    one.on("close", () => {
      if (client.destroyed && far.destroyed) lines.delete(line);
    });
  }
});

const named = (direction: Direction): readonly ("up" | "down")[] =>
  direction === "both" ? ["up", "down"] : [direction];

function pumpAll(): void {
  for (const { up, down } of lines) {
    up.pump();
    down.pump();
  }
}

function listen(): Promise<void> {
  if (server.listening) return Promise.resolve();
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

type Obeyed = { readonly [K in Order["do"]]: (order: Extract<Order, { do: K }>) => void | Promise<void> | RelayCount };

const orders = {
  latency: ({ ms, direction }) => named(direction).forEach((way) => (ways[way].ms = ms)),
  loss: ({ share, direction }) => named(direction).forEach((way) => (ways[way].loss = share)),
  silence: ({ direction }) => named(direction).forEach((way) => (ways[way].silent = true)),
  lose: ({ direction }) => lines.forEach((line) => named(direction).forEach((way) => (line[way].lost = true))),
  heal: () => {
    for (const way of [ways.up, ways.down]) Object.assign(way, new Way());
    pumpAll();
    return listen();
  },
  cut: () => lines.forEach(({ sockets }) => sockets.forEach((socket) => socket.resetAndDestroy())),
  refuse: () => void server.close(),
  accept: listen,
  lead: ({ port: next }) => void (target = next),
  count: () => ({ open: lines.size, ever }),
} satisfies Obeyed;

async function obey(order: Order): Promise<void> {
  const answer = await (orders[order.do] as (order: Order) => unknown)(order);
  parentPort?.postMessage(answer, []);
}

parentPort?.on("message", (order: Order) => void obey(order));
await listen();
parentPort?.postMessage(undefined, []);
