import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PACKED } from "../../api/meta.ts";
import { UpdateReader, type RawUpdate } from "../../dataplane/config/read-update.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { readAdminToken } from "./admin-token.ts";
import { readRenderedConfig } from "./rendered-config.ts";

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "wsproxy-rendered-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const reader = new UpdateReader();
const read = (): ReturnType<typeof readRenderedConfig> =>
  readRenderedConfig(folder, (raw: RawUpdate) => reader.read(raw, new Slices(systemClock)));

async function plain(config: unknown, endpoints: unknown): Promise<void> {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "endpoints.json"), JSON.stringify(endpoints));
}

/** As a cluster mounts them. */
async function packed(config: unknown, endpoints: unknown): Promise<void> {
  const texts = [JSON.stringify(config), JSON.stringify(endpoints)] as const;
  await writeFile(join(folder, PACKED.configPart(0)), gzipSync(texts[0]));
  await writeFile(join(folder, PACKED.configParts), "1");
  await writeFile(join(folder, PACKED.configHash), hashOf(texts[0]));
  await writeFile(join(folder, PACKED.endpoints), gzipSync(texts[1]));
  await writeFile(join(folder, PACKED.endpointsHash), hashOf(texts[1]));
}

test.each([
  ["files", plain],
  ["packed files", packed],
])("a config in %s is parsed, and has the hash of its text", async (_, write) => {
  const [config, endpoints] = [configOf(), endpointsOf([1])];
  await write(config, endpoints);
  const hashes = { hash: hashOf(JSON.stringify(config)), endpointsHash: hashOf(JSON.stringify(endpoints)) };
  expect(await read()).toEqual({ id: "test/proxy", config, endpoints, ...hashes });
});

test("endpoints that do not list the backends of the config are waited for, where both come in objects of their own", async () => {
  await packed(configOf(), endpointsOf({ "other:80": [1] }));
  expect(await read()).toEqual({ problem: "the endpoints are those of another config", incomplete: true });
  await plain(configOf(), endpointsOf({ "other:80": [1] }));
  await rm(join(folder, PACKED.configHash));
  expect(await read()).toMatchObject({ id: "test/proxy" });
});

test("a backend without a single endpoint is listed", async () => {
  await packed(configOf(), endpointsOf([]));
  expect(await read()).toMatchObject({ id: "test/proxy" });
});

test.each<[string, unknown, unknown]>([
  ["null", null, null],
  ["a list", [], []],
  ["routes that are none", { ...configOf(), routes: 7 }, endpointsOf([1])],
  ["backends that are null", { ...configOf(), routes: [{ backends: null }] }, endpointsOf([1])],
  ["endpoints that are none", configOf(), { version: 1, backends: null }],
])("%s in packed files: told with its problems, and not used before it is parsed", async (_, config, endpoints) => {
  await packed(config, endpoints);
  const told = await read();
  expect("problems" in told && told.problems.length > 0).toBe(true);
});

test("a folder without a file of a config has none, whatever else is in it", async () => {
  await writeFile(join(folder, "admin-token"), "a-token-of-enough-characters");
  await writeFile(join(folder, "README"), "");
  expect(await read()).toEqual({ problem: `${folder} has no config`, absent: true });
});

test.each([
  PACKED.configPart(0),
  PACKED.configParts,
  PACKED.configHash,
  PACKED.endpoints,
  PACKED.endpointsHash,
  "config.json",
  "endpoints.json",
])("a folder with %s only is not one without a config: the rest may follow", async (name) => {
  await writeFile(join(folder, name), "1");
  expect(await read()).toEqual({
    problem: expect.stringMatching(/does not exist$/) as string,
    incomplete: true,
  });
});

/** Runs as a user that has no permission for other users' files. */
async function withoutPermission<T>(task: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return task();
  process.seteuid?.(65_532);
  try {
    return await task();
  } finally {
    process.seteuid?.(0);
  }
}

const ALL = [PACKED.configPart(0), PACKED.configParts, PACKED.configHash, PACKED.endpoints, PACKED.endpointsHash];

test.each([
  ...ALL.map((name) => [name, packed] as const),
  ["config.json", plain] as const,
  ["endpoints.json", plain] as const,
])("%s without permission to read it is named, with what grants it", async (name, write) => {
  await chmod(folder, 0o755);
  await write(configOf(), endpointsOf([1]));
  await chmod(join(folder, name), 0o000);
  const told = await withoutPermission(read);
  expect(told).toEqual({ problem: expect.stringContaining(`${join(folder, name)} cannot be read: user `) as string });
  expect(told).toEqual({ problem: expect.stringContaining("no permission (EACCES); grant it") as string });
});

test("a folder without permission says nothing of its config, and is named", async () => {
  await packed(configOf(), endpointsOf([1]));
  await chmod(folder, 0o000);
  expect(await withoutPermission(read)).toEqual({
    problem: expect.stringContaining(`${folder} cannot be read: user `) as string,
  });
});

test("an admin token without permission is named, with what grants it", async () => {
  const file = join(folder, "admin-token");
  await chmod(folder, 0o755);
  await writeFile(file, "a-token-of-enough-characters", { mode: 0o000 });
  expect(await withoutPermission(() => readAdminToken(file))).toEqual({
    token: undefined,
    fault: "unreadable",
    problem: expect.stringContaining(`${file} cannot be read: user `) as string,
  });
});

test.each(ALL)("%s that is a folder, or too large, is named and not waited for", async (name) => {
  await packed(configOf(), endpointsOf([1]));
  await rm(join(folder, name));
  await mkdir(join(folder, name));
  expect(await read()).toEqual({ problem: `${join(folder, name)} is not a file` });
  await rm(join(folder, name), { recursive: true });
  await writeFile(join(folder, name), Buffer.alloc(PACKED.largestPart + 1));
  expect(await read()).toEqual({ problem: expect.stringContaining(`${join(folder, name)} is larger than `) as string });
});
