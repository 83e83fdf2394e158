import { expect, test } from "vitest";
import { Crowd } from "../fakes/crowd.ts";
import { until } from "../fakes/sockets.ts";
import { Stormed } from "../fakes/stormed.ts";

const CLIENTS = 2500;
/** CPU of one turn of the event loop, in ms: 2,500 TLS sockets that Node takes down in one turn need 100 and more. */
const MOST = 75;

test.each<[string, "end" | "reset", boolean]>([
  ["wss clients that end their connections", "end", true],
  ["wss clients that reset their connections", "reset", true],
  ["ws clients that end their connections", "end", false],
  ["ws clients that reset their connections", "reset", false],
])(
  "2,500 %s in one moment hold up neither the event loop nor a probe",
  async (_who, how, tls) => {
    const it = await Stormed.start({ tls, trustedProxies: ["127.0.0.1"], handshake: "1m" });
    const crowd = await Crowd.gather({ port: it.port, clients: CLIENTS, addresses: 1, tls });
    expect(await crowd.come()).toMatchObject({ accepted: CLIENTS });
    await it.program.probe("reset");
    const health = it.watchHealth();
    await crowd.leave(how);
    await until("all have left", async () => (await it.metric("descriptors_used")) === 0, 30_000);
    const { failures, own } = await health.stop();
    expect(failures).toEqual([]);
    expect((await it.program.probe()).longest).toBeLessThan(MOST);
    expect(Math.max(...own)).toBeLessThan(250);
    expect(await it.metric("connections_closed_total", 'code="1006"')).toBe(CLIENTS);
  },
  60_000,
);
