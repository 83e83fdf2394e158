import { createServer, type Server } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { FakeApiServer } from "../../test/fakes/api-server.ts";
import { PortForwards } from "../../test/fakes/port-forwards.ts";
import { until } from "../../test/fakes/sockets.ts";
import { openPort } from "./port-forward.ts";

const STAYS = new AbortController().signal;
const PORT = { namespace: "demo", pod: "chat-a", port: 9090 };

async function bench(serve: (server: Server) => void): Promise<{ api: FakeApiServer; forwards: PortForwards }> {
  const api = await FakeApiServer.start();
  const forwards = new PortForwards(api);
  const server = createServer({ allowHalfOpen: true });
  serve(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  forwards.ports.set("demo/chat-a:9090", (server.address() as AddressInfo).port);
  return { api, forwards };
}

test("bytes go both ways, and the end of the pod's side is the end of the stream", async () => {
  const { api, forwards } = await bench((server) =>
    server.on("connection", (socket) => socket.once("data", (bytes: Buffer) => socket.end(`got ${bytes.toString()}`))),
  );
  const stream = await openPort(api.kubeConfig({ token: "x" }), PORT, STAYS);
  stream.write("hello");
  expect(await text(stream)).toBe("got hello");
  expect(forwards.asked).toEqual(["demo/chat-a:9090"]);
  await until("the port-forward is closed", () => forwards.open === 0);
});

test("the sender of what is not read is not read either", async () => {
  let written = 0;
  const { api } = await bench((server) =>
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) written += 65_536;
        socket.once("drain", more);
      };
      more();
    }),
  );
  const stream = await openPort(api.kubeConfig({ token: "x" }), PORT, STAYS);
  stream.once("readable", () => {});
  await sleep(300);
  expect(stream.readableLength).toBeLessThan(1_000_000);
  stream.destroy();
  expect(written).toBeGreaterThan(0);
});

test("a port that the node cannot open fails the connection", async () => {
  const { api, forwards } = await bench(() => {});
  forwards.ports.set("demo/chat-a:9090", undefined);
  const stream = await openPort(api.kubeConfig({ token: "x" }), PORT, STAYS);
  const [error] = stream.errored === null ? ((await once(stream, "error")) as [Error]) : [stream.errored];
  expect(error).toMatchObject({
    name: "PortUnreachable",
    message: "error forwarding port 9090: connection refused",
  });
});

test.each([
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "NotFound"],
  [500, "Unknown"],
])("an upgrade that is refused with %i is an ApiError with that status", async (status, reason) => {
  const { api, forwards } = await bench(() => {});
  forwards.refuse = status;
  const opening = openPort(api.kubeConfig({ token: "x" }), PORT, STAYS);
  await expect(opening).rejects.toMatchObject({ name: "ApiError", status, reason });
});

test("an abort ends the wait for the API server, and what opens late is closed", async () => {
  const { api, forwards } = await bench(() => {});
  const { upgrade } = api;
  let open = (): void => {};
  api.upgrade = (...args) => (open = () => upgrade(...args));
  const stop = new AbortController();
  const opening = openPort(api.kubeConfig({ token: "x" }), PORT, stop.signal);
  await until("the upgrade arrived", () => open.length === 0 && api.openConnections === 1);
  await sleep(20);
  stop.abort();
  await expect(opening).rejects.toMatchObject({ name: "ApiError", status: 0 });
  open();
  await until("it is closed", () => forwards.open === 0 && api.openConnections === 0);
});

test("a name that could lead to another path is no pod", async () => {
  const { api } = await bench(() => {});
  await expect(openPort(api.kubeConfig(), { ...PORT, pod: "../secrets" }, STAYS)).rejects.toThrow("cannot be the name");
  expect(api.connections).toBe(0);
});
