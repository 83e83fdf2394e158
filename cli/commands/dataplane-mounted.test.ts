import { gzipSync } from "node:zlib";
import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import type { Config, Endpoints } from "../../api/config.ts";
import { LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import { configReport, type ConfigReport } from "../../api/report.ts";
import { packer } from "../../operator/platform/packer.ts";
import type { Packer } from "../../operator/render/packer.ts";
import type { Manifest } from "../../operator/render/manifest.ts";
import { render, type Rendered } from "../../operator/render/render.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { WsBackend } from "../../test/fakes/backends.ts";
import { WsClient } from "../../test/fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../../test/fakes/config.ts";
import { ADMIN_TOKEN, SETTINGS } from "../../test/fakes/golden-case.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { freePort, Program } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { filesOf, mounted } from "../../test/fakes/volume.ts";

/** What the operator renders → a volume as the kubelet fills it → `wsproxy dataplane`, which serves it. */

const OWNER = { namespace: "test", name: "proxy", uid: "uid-1" };
const SMALL_PARTS: Packer = {
  ...packer,
  *pack(pieces, _largestPart, most) {
    const text = [...pieces].join("");
    return yield* packer.pack([text], text.includes('"routes"') ? 200 : 1e6, most);
  },
};

function rendered(config: Config, endpoints: Endpoints, packing: Packer = packer): Rendered {
  return render(OWNER, { config, endpoints, infra: undefined, adminToken: ADMIN_TOKEN }, SETTINGS, packing);
}

interface Bench {
  readonly mount: Mount;
  readonly program: Program;
  readonly backend: WsBackend;
  readonly url: string;
  config(parts?: ConfigParts): Config;
  publish(objects: Iterable<Manifest>): Promise<void>;
  inForce(): Promise<ConfigReport["proxies"][number] | undefined>;
  serves(it: Rendered): Promise<void>;
}

async function bench(...more: readonly string[]): Promise<Bench> {
  const [mount, backend, port, adminPort] = await Promise.all([
    Mount.create(),
    new WsBackend().open(),
    freePort(),
    freePort(),
  ]);
  onTestFinished(() => backend.close());
  const where = ["--address", "127.0.0.1", "--admin-address", "127.0.0.1", "--admin-port", String(adminPort)];
  const program = new Program(["dataplane", "--config", mount.folder, ...where, ...more]);
  await program.logs("admin port open");
  const inForce = async (): Promise<ConfigReport["proxies"][number] | undefined> => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await fetch(`http://127.0.0.1:${adminPort}/config`, { headers });
    return response.status === 200 ? configReport.parse(await response.json()).proxies[0] : undefined;
  };
  return {
    mount,
    program,
    backend,
    url: `ws://127.0.0.1:${port}/`,
    config: (parts = {}) => configOf({ port, ...parts }),
    publish: (objects) => mount.publish(filesOf(objects)),
    inForce,
    serves: (it) =>
      until("the pod serves what it is to", async () => {
        const now = await inForce();
        return now?.hash === it.serving?.hash && now?.endpointsHash === it.serving?.endpointsHash;
      }),
  };
}

async function echoed(url: string): Promise<WsClient> {
  const client = await WsClient.open(url);
  await echoes(client);
  return client;
}

async function echoes(client: WsClient): Promise<void> {
  const number = client.messages.length + 1;
  client.socket.send(`message ${number}`);
  expect(await client.message(number)).toBe(`message ${number}`);
}

test("serves what the operator renders, and says which config and which endpoints it serves", async () => {
  const it = await bench();
  const first = rendered(it.config({ generation: 7 }), endpointsOf([it.backend.port]));
  await it.publish(first.manifests);
  await it.serves(first);
  expect(await it.inForce()).toMatchObject({ proxy: "test/proxy", generation: 7 });
  const client = await echoed(it.url);

  const moved = rendered(it.config({ generation: 7 }), endpointsOf([it.backend.port, 1]));
  await it.publish(moved.manifests);
  await it.serves(moved);
  expect(moved.serving?.hash).toBe(first.serving?.hash);

  await echoes(client);
  expect(it.program.lines("config rejected")).toEqual([]);
});

test("parts of two versions change nothing, are told of once, and count as soon as they fit", async () => {
  const it = await bench();
  // Texts that hardly compress, of about the same length: the same number of parts for both.
  const version = (generation: number): Rendered => {
    const routes = Array.from({ length: 3 }, (_, at) => ({
      name: at === 0 ? "main" : `r${randomBytes(20).toString("hex")}`,
    }));
    return rendered(it.config({ generation, routes }), endpointsOf([it.backend.port]), SMALL_PARTS);
  };
  const [old, next] = [version(1), version(2)].map((one) => ({ one, objects: mounted(one.manifests) })) as [
    { one: Rendered; objects: Map<string, Manifest> },
    { one: Rendered; objects: Map<string, Manifest> },
  ];
  expect(old.objects.size).toBe(next.objects.size);
  expect(old.objects.size).toBeGreaterThan(3);
  await it.publish(old.objects.values());
  await it.serves(old.one);
  const client = await echoed(it.url);

  // The operator's order, one object at a time.
  const volume = new Map(old.objects);
  for (const [name, object] of next.objects) {
    if (volume.size > 0 && name.endsWith("-config-0")) break;
    volume.set(name, object);
    await it.publish(volume.values());
    await it.program.logs("waiting for the whole config");
    expect(await it.inForce()).toMatchObject({ hash: old.one.serving?.hash, generation: 1 });
  }
  await echoed(it.url);
  await it.publish(next.objects.values());
  await it.serves(next.one);
  await echoes(client);
  const said = it.program.lines("waiting for the whole config");
  expect(said.map(({ problem }) => problem)).toEqual(["the config's parts are not all of one version"]);
  expect(it.program.lines("config rejected")).toEqual([]);
});

test("a part more or less is no gap: what was there goes on until the hash arrives", async () => {
  const it = await bench();
  const endpoints = endpointsOf([it.backend.port]);
  const small = rendered(it.config({ generation: 1 }), endpoints);
  const large = rendered(it.config({ generation: 2 }), endpoints, SMALL_PARTS);
  await it.publish(small.manifests);
  await it.serves(small);
  const withoutHead = large.manifests.filter(({ metadata }) => !metadata.name.endsWith("-config-0"));
  await it.publish([...small.manifests, ...withoutHead]);
  await it.publish(large.manifests);
  await it.serves(large);
  await it.publish([...small.manifests, ...withoutHead]);
  await it.serves(small);
  expect(it.program.lines("waiting for the whole config")).toEqual([]);
});

test.each([
  ["a config is not served before the endpoints that it names", "Secret"],
  ["the endpoints of the next config wait for it", "ConfigMap"],
])("%s", async (_title, first) => {
  const it = await bench();
  const version = (endpoints: string, generation: number): Rendered =>
    rendered(
      it.config({ generation, routes: [{ backends: [{ endpoints, weight: 1 }] }] }),
      endpointsOf({ [endpoints]: [it.backend.port] }),
    );
  const [old, next] = [version("echo:80", 1), version("other:80", 2)];
  await it.publish(old.manifests);
  await it.serves(old);

  await it.publish([...next.manifests, ...old.manifests.filter(({ kind }) => kind !== first)]);
  const { problem } = await it.program.logs("waiting for the whole config");
  expect(problem).toBe("the endpoints are those of another config");
  expect(await it.inForce()).toMatchObject(old.serving ?? {});
  await echoed(it.url);
  await it.publish(next.manifests);
  await it.serves(next);
  await echoed(it.url);
});

test("what does not fit its hash, and what unpacks to more than it may, is not served", async () => {
  const it = await bench();
  const good = rendered(it.config(), endpointsOf([it.backend.port]));
  await it.publish(good.manifests);
  await it.serves(good);
  const bomb = gzipSync(Buffer.alloc(LARGEST_TEXT + 1, " "));
  expect(bomb.length).toBeLessThan(PACKED.largestPart);
  const files = filesOf(good.manifests);
  await it.mount.publish({
    ...files,
    [PACKED.configPart(0)]: bomb,
    [PACKED.configHash]: hashOf(" ".repeat(LARGEST_TEXT + 1)),
  });
  await it.program.logs("waiting for the whole config");
  expect(await it.inForce()).toMatchObject(good.serving ?? {});
  await it.mount.publish({ ...files, [PACKED.endpointsHash]: hashOf("another") });
  await until("it says so", () => it.program.lines("waiting for the whole config").length === 2);
  await echoed(it.url);
});

test("a pod keeps the port that it was made with, whatever the config says", async () => {
  const [port, another] = await Promise.all([freePort(), freePort()]);
  const it = await bench("--listener-port", String(port));
  const endpoints = endpointsOf([it.backend.port]);
  for (const generation of [1, 2]) {
    const one = rendered(it.config({ generation, port: generation === 1 ? port : another }), endpoints);
    await it.publish(one.manifests);
    await it.serves(one);
    await echoed(`ws://127.0.0.1:${port}/`);
  }
  await until("both were logged", () => it.program.lines("config applied").length === 2);
  expect(it.program.lines("config applied").map((line) => line["port"])).toEqual([port, port]);
});
