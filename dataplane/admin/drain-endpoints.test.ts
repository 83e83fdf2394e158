import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { quickClock } from "../../test/fakes/quick-clock.ts";
import { drainEndpoints } from "./drain-endpoints.ts";
import { ProcessDrain } from "./process-drain.ts";

const authorization = "Bearer a-token-of-enough-characters";
let drain: ProcessDrain;
let admin: AdminServer;

beforeEach(async () => {
  drain = new ProcessDrain();
  const gate = new AdminGate();
  gate.use("a-token-of-enough-characters");
  admin = await adminServer(drainEndpoints(drain, quickClock(50)), "127.0.0.1", 0, { gate });
});
afterEach(() => admin.close());

async function ask(path: string, init?: RequestInit): Promise<[status: number, body: string]> {
  const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, init);
  return [response.status, await response.text()];
}

test("POST /drain begins the drain and answers at once, and begins no second one", async () => {
  const post = { method: "POST", headers: { authorization } };
  expect(await ask("/drain", post)).toEqual([202, '{"status":"draining"}\n']);
  expect(drain.begun.aborted).toBe(true);
  expect(await ask("/drain", post)).toEqual([202, '{"status":"draining"}\n']);
  const waiting = ask("/drained");
  drain.ended();
  expect(await waiting).toEqual([200, '{"status":"drained"}\n']);
  expect(await ask("/drain", post)).toEqual([200, '{"status":"drained"}\n']);
});

test.each<[string, RequestInit, number]>([
  ["no token", { method: "POST" }, 401],
  ["another token", { method: "POST", headers: { authorization: "Bearer another-token" } }, 401],
  ["a page of another origin", { method: "POST", headers: { authorization, origin: "http://evil.test" } }, 403],
  ["GET", { headers: { authorization } }, 405],
  ["HEAD", { method: "HEAD", headers: { authorization } }, 405],
])("P3 a request to /drain with %s begins nothing", async (_, init, status) => {
  expect((await ask("/drain", init))[0]).toBe(status);
  expect(drain.begun.aborted).toBe(false);
});

test("a request to /drained begins nothing, whatever it brings along", async () => {
  const post = { method: "POST", headers: { authorization } };
  expect((await ask("/drained", post))[0]).toBe(405);
  expect(await ask("/drained", { headers: { authorization } })).toEqual([200, '{"status":"no drain"}\n']);
  expect(drain.begun.aborted).toBe(false);
});
