import { afterEach, expect, test } from "vitest";
import { WsBackend } from "../fakes/backends.ts";
import { WsClient } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

test("a message goes through the gateway and back", async () => {
  const backend = await new WsBackend().open();
  open.push(backend);
  const gateway = await new TestGateway().serve({}, [backend.port]);
  open.push(gateway);
  const client = await WsClient.open(gateway.url("/chat"));
  client.socket.send("hello");
  expect(await client.message()).toBe("hello");
  client.socket.close(4001, "bye");
  expect(await client.close()).toEqual({ code: 4001, reason: "bye" });
  await gateway.empty();
  expect(await gateway.metric("connections")).toBe(0);
  expect(await gateway.metric("handshakes_total", { status: "101" })).toBe(1);
  expect(await gateway.metric("messages_total")).toBe(2);
  expect(await gateway.metric("read_path", { path: "shared" })).toBe(1);
  expect(await gateway.metric("read_path", { path: "data" })).toBe(0);
});
