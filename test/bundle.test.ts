import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CONFIG_FILE, ENDPOINTS_FILE } from "../api/meta.ts";
import { bundle } from "./fakes/bundle.ts";
import { WsBackend } from "./fakes/backends.ts";
import { WsClient } from "./fakes/clients.ts";
import { configOf, endpointsOf } from "./fakes/config.ts";
import { freePort, Program, temporaryFolder } from "./fakes/program.ts";

// What the image holds, in a folder with no package near it.

const root = resolve(import.meta.dirname, "..");
let built: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  built = await bundle();
});

afterAll(() => built.remove());

const bundled = (...args: string[]): Program =>
  new Program([join(built.folder, "wsproxy.js"), ...args], { file: process.execPath });

test("the bundle says what it can do", async () => {
  const program = bundled("--help");
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toContain("usage: wsproxy COMMAND");
});

test("the bundle checks manifests", async () => {
  const program = bundled("check", "-f", join(root, "examples/quickstart"));
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toContain("demo/chat");
});

test("the bundle is a data plane", async () => {
  const backend = await new WsBackend().open();
  onTestFinished(() => backend.close());
  const [rendered, port] = [await temporaryFolder(), await freePort()];
  await writeFile(join(rendered, CONFIG_FILE), JSON.stringify(configOf({ port })));
  await writeFile(join(rendered, ENDPOINTS_FILE), JSON.stringify(endpointsOf([backend.port])));
  const program = bundled("dataplane", "--config", rendered, "--address", "127.0.0.1", "--admin-port", "0");
  await program.logs("config applied");
  const client = await WsClient.open(`ws://127.0.0.1:${port}/`);
  client.socket.send("hello");
  expect(await client.message()).toBe("hello");
  client.socket.close(1000);
  expect((await client.close()).code).toBe(1000);
});

test("the bundle is a sample backend, with its page", async () => {
  const port = await freePort();
  const program = bundled("sample-backend", "--port", String(port));
  await program.says("sample backend: http://");
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(await page.text()).toBe(await readFile(join(root, "examples/sample-backend/page/index.html"), "utf8"));
});

test("the bundle names the licences of what is in it", async () => {
  const licences = await readFile(join(built.folder, "licences.txt"), "utf8");
  for (const name of ["zod", "pino", "prom-client", "jose", "ws"])
    expect(licences).toMatch(new RegExp(`^${name} `, "m"));
});
