import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { admission } from "../../test/fakes/admission.ts";
import { grantPorts } from "./grant-ports.ts";
import { OpenPort, type PortAddress } from "./open-port.ts";

const HOST = "127.0.0.1";
const bounds = admission();
const open: OpenPort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

async function openPort(): Promise<OpenPort> {
  const port = await OpenPort.open({ host: HOST, port: 0 }, bounds);
  if (!(port instanceof OpenPort)) throw new Error(port);
  open.push(port);
  return port;
}

const at = ({ number }: OpenPort): PortAddress => ({ host: HOST, port: number });
const NONE: ReadonlySet<string> = new Set();

async function grant(
  wanted: Record<string, PortAddress>,
  held: Record<string, OpenPort> = {},
  leaving = NONE,
): Promise<Map<string, OpenPort | string>> {
  const granted = await grantPorts(new Map(Object.entries(wanted)), new Map(Object.entries(held)), leaving, bounds);
  for (const port of granted.values()) if (port instanceof OpenPort && !open.includes(port)) open.push(port);
  return granted;
}

test("a port that no proxy has is opened", async () => {
  const granted = await grant({ a: { host: HOST, port: 0 } });
  expect(granted.get("a")).toBeInstanceOf(OpenPort);
});

test("a port that another process has cannot be had, and the others are opened", async () => {
  const other = createServer().listen(0, HOST);
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const granted = await grant({ a: { host: HOST, port }, b: { host: HOST, port: 0 } });
  expect(granted.get("a")).toContain(`port ${port} on ${HOST} is in use by another process`);
  expect(granted.get("b")).toBeInstanceOf(OpenPort);
});

test("proxies that swap get each other's open ports", async () => {
  const [a, b] = [await openPort(), await openPort()];
  const granted = await grant({ a: at(b), b: at(a) }, { a, b });
  expect([granted.get("a"), granted.get("b")]).toEqual([b, a]);
});

test("the port of a proxy that is leaving, or gets a new one, is handed over", async () => {
  const [a, b] = [await openPort(), await openPort()];
  expect((await grant({ c: at(a) }, { a }, new Set(["a"]))).get("c")).toBe(a);
  const granted = await grant({ a: { host: HOST, port: 0 }, b: at(a) }, { a, b });
  expect(granted.get("b")).toBe(a);
  expect([a, b]).not.toContain(granted.get("a"));
});

test("the port of a proxy that stays cannot be had: neither by one nor by those that wait for its own", async () => {
  const [a, b, c] = [await openPort(), await openPort(), await openPort()];
  const granted = await grant({ a: at(b), b: at(c) }, { a, b, c });
  expect(granted.get("b")).toBe(
    `port ${c.number} is still that of c, which has to stay there; solve that first, or change spec.listener.port`,
  );
  expect(granted.get("a")).toContain(`port ${b.number} is still that of b`);
});

test("the port of a proxy that cannot have another one is not handed over", async () => {
  const other = createServer().listen(0, HOST);
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const [a, b] = [await openPort(), await openPort()];
  const taken = { host: HOST, port: (other.address() as AddressInfo).port };
  const granted = await grant({ a: taken, b: at(a) }, { a, b });
  expect(granted.get("a")).toContain("in use by another process");
  expect(granted.get("b")).toContain(`port ${a.number} is still that of a`);
});
