import { afterEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const MiB = 2 ** 20;

const open: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

test("what clients send before they are let in counts, and near the budget those that sent most are refused", async () => {
  const silent = await new RawBackend(() => {}).open();
  const gateway = await new TestGateway(undefined, undefined, undefined, 2 * MiB).serve({}, [silent.port]);
  open.push(gateway, silent);
  const polite = await RawClient.send(gateway.port, request());
  await until("it waits for the backend", () => gateway.attempts === 1);
  const hasty: RawClient[] = [];
  for (let n = 0; n < 40; n += 1) {
    hasty.push(await RawClient.send(gateway.port, Buffer.concat([Buffer.from(request()), Buffer.alloc(100_000)])));
  }
  await until("some are refused", () => hasty.filter(({ answered }) => answered).length > 10);
  for (const client of hasty.filter(({ answered }) => answered)) {
    const answer = await client.answer();
    expect([answer.status, reasonOf(answer)]).toEqual([503, "Overloaded"]);
  }
  await until("there is room again", () => !gateway.budget.near);
  expect(gateway.budget.used).toBeLessThan(2 * MiB);
  expect(polite.answered).toBe(false);
  expect(gateway.budget.ended).toBe(0);
  await gateway.close();
  for (const { socket } of [polite, ...hasty]) socket.destroy();
  await until("nothing counts", () => gateway.budget.used === 0);
});

test.each([
  ["", false],
  [", over TLS", true],
] as const)(
  "request heads that are not complete count%s, and near the budget the largest are answered 408, the others waited for",
  async (_what, secure) => {
    const backend = await new RawBackend().open();
    const gateway = new TestGateway(undefined, undefined, undefined, 2 * MiB);
    await gateway.serve(
      secure ? { tls: { keyPair: await (await Authority.create()).issue({ names: ["gateway.test"] }) } } : {},
      [backend.port],
    );
    open.push(gateway, backend);
    const begin = async (text: string): Promise<RawClient> => {
      const client = secure
        ? await RawClient.openTls(gateway.port, { rejectUnauthorized: false })
        : await RawClient.open(gateway.port);
      client.socket.write(text);
      return client;
    };
    const polite = await begin(request().slice(0, 60));
    const fields = Array.from({ length: 1500 }, (_, n) => `x${n}: vvvvvvvvvv`).join("\r\n");
    const hasty: RawClient[] = [];
    for (let n = 0; n < 40; n += 1) hasty.push(await begin(`GET / HTTP/1.1\r\n${fields}\r\n`));
    await until("some are refused", () => hasty.filter(({ answered }) => answered).length > 10);
    for (const client of hasty.filter(({ answered }) => answered)) {
      const answer = await client.answer();
      expect([answer.status, reasonOf(answer)]).toEqual([408, "HandshakeTimeout"]);
    }
    await until("there is room again", () => !gateway.budget.near);
    polite.socket.write(request().slice(60));
    expect((await polite.answer()).status).toBe(101);
    for (const { socket } of [polite, ...hasty]) socket.destroy();
    await until("nothing counts", () => gateway.budget.used === 0);
  },
);
