import { mkdtemp, rm, writeFile } from "node:fs/promises";
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
