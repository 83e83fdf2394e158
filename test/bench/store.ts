import { parseArgs } from "node:util";
import { STORE_LACKS, StoreServer } from "../store/server.ts";
import { freed } from "./store-crash.ts";
import { handshakes } from "./store-handshakes.ts";
import { idle } from "./store-idle.ts";
import { MESSAGE_LOADS, messages } from "./store-messages.ts";

/**
 * Measures what a store costs, with one redis-server on this machine and no TLS: a handshake, a message of busy and of
 * quiet clients, a pod with idle sessions; and how long the places of a killed gateway stay taken. Gateways with and
 * without a store alternate in one run: compare the ratios.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    ms: { type: "string", default: "1200" },
    sessions: { type: "string", default: "10000" },
    kills: { type: "string", default: "3" },
  },
});
const runs = { rounds: Number(flags.rounds), ms: Number(flags.ms) };

if (STORE_LACKS !== undefined) {
  console.log(`nothing measured: ${STORE_LACKS}`);
} else {
  const store = await StoreServer.start();
  try {
    await measure(store);
  } finally {
    await store.close();
  }
}

async function measure(store: StoreServer): Promise<void> {
  const show = (...cells: readonly (string | number)[]): void =>
    console.log(cells.map((cell) => (typeof cell === "number" ? cell.toFixed(2) : cell)).join(" | "));

  show("handshake, API key, connections per Client", "gateway µs", "store µs", "scripts", "median ms", "p99 ms");
  const shakes = await handshakes(store, runs);
  for (const [name, cost] of [["without a store", shakes.without] as const, ["with a store", shakes.with] as const])
    show(name, cost.gateway, cost.store, cost.scripts, cost.median, cost.p99);
  show("calls to the store without an answer in time", shakes.unanswered);

  show(
    "\nmessage and answer, messages per Client",
    "without µs",
    "with µs",
    "ratio",
    "store µs",
    "scripts a second",
    "late calls",
  );
  for (const load of MESSAGE_LOADS) {
    const cost = await messages(store, load, runs);
    show(load.name, cost.without, cost.with, cost.with / cost.without, cost.store, cost.scripts, cost.unanswered);
  }

  const quiet = await idle(store, Number(flags.sessions), 10_000);
  show(`\n${quiet.sessions} idle sessions of as many clients`, "scripts a second", quiet.scripts);
  show("the store's CPU for them, µs a second", quiet.cpu);

  const places = await freed(store, Number(flags.kills));
  show("\na place is free again after a session ends, ms", places.closed);
  show("after the gateway that holds it is killed, ms, longest", places.killed);
}
