import { afterAll, beforeAll, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { HOSTILE_HEADS, RICHEST } from "../fakes/hostile-heads.ts";

/** What one head may cost the loop's thread, in ms: the parser, every check, the refusal, and this test's own client. */
const MOST = 5;
const RUNS = 8;

let backend: RawBackend;
let gateway: TestGateway;

beforeAll(async () => {
  backend = await new RawBackend().open();
  gateway = await new TestGateway().serve(RICHEST, [backend.port]);
});
afterAll(async () => {
  await gateway.close();
  await backend.close();
});

/** Milliseconds of this thread's CPU from the first byte to the refusal's last: time that other processes take is none. */
async function cost(head: Buffer): Promise<number> {
  const client = await RawClient.open(gateway.port);
  const before = process.threadCpuUsage();
  client.socket.write(head);
  const { status } = await client.answer();
  const { user, system } = process.threadCpuUsage(before);
  client.socket.destroy();
  expect(status).toBeGreaterThanOrEqual(400);
  return (user + system) / 1000;
}

test.each(HOSTILE_HEADS)("%s costs less than 5 ms before it is refused", async (_what, head) => {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run += 1) least = Math.min(least, await cost(head));
  expect(least).toBeLessThan(MOST);
  expect(backend.connections).toEqual([]);
});
