import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { until } from "../fakes/sockets.ts";
import type { StoreServer } from "../store/server.ts";
import { gateway, median } from "./store-gateways.ts";

const LIMIT = 5;
const HEADERS = { "x-api-key": keyOf("alice") };
const POLICIES = { ...withKeys(["alice"]), connections: [{ per: "Client", limit: LIMIT }] };
const PATIENCE = 30_000;

/** Times in ms from an end to the handshake that another gateway admits in its place. */
export interface Freed {
  /** The gateway that holds all places is killed; the longest of all rounds. */
  readonly killed: number;
  /** One session ends in order. */
  readonly closed: number;
}

/** A client with all its sessions on one gateway: how long until it gets in at another one? */
export async function freed(store: StoreServer, rounds: number): Promise<Freed> {
  const backend = await new EchoBackend().open();
  const stays = await gateway(POLICIES, backend.port, store, "Refuse");
  try {
    const [killed, closed]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      const dies = await gateway(POLICIES, backend.port, store, "Refuse");
      const sessions: RawClient[] = [];
      for (let n = 0; n < LIMIT; n += 1) sessions.push(await admitted(dies.port));
      if ((await session(stays.port)) !== undefined) throw new Error("the second gateway admitted one too many");
      closed.push(await untilAdmitted(stays.port, async () => void sessions[0]?.socket.destroy()));
      sessions.push(await admitted(dies.port));
      killed.push(await untilAdmitted(stays.port, () => dies.kill()));
    }
    return { killed: Math.max(...killed), closed: median(closed) };
  } finally {
    await stays.close();
    backend.close();
  }
}

/** Ends something, then tries until a handshake is admitted, and ends that one. The time between, in ms. */
async function untilAdmitted(port: number, end: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await end();
  const client = await admitted(port);
  const time = performance.now() - begun;
  client.socket.destroy();
  return time;
}

/** A session of alice, as soon as there is a place for it. */
async function admitted(port: number): Promise<RawClient> {
  let client: RawClient | undefined;
  const got = async (): Promise<boolean> => (client = await session(port)) !== undefined;
  await until("a handshake is admitted", got, PATIENCE);
  if (client === undefined) throw new Error("no session");
  return client;
}

/** A session of alice; undefined: it was refused. */
async function session(port: number): Promise<RawClient | undefined> {
  const client = await RawClient.send(port, request({ headers: HEADERS }));
  if ((await client.answer()).status === 101) return client;
  client.socket.destroy();
  return undefined;
}
