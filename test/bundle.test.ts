import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CONFIG_FILE, ENDPOINTS_FILE } from "../api/meta.ts";
import { bundle } from "./fakes/bundle.ts";
import { WsBackend } from "./fakes/backends.ts";
import { WsClient } from "./fakes/clients.ts";
import { configOf, endpointsOf } from "./fakes/config.ts";
import { ALICE } from "./fakes/manifests.ts";
import { Standalone } from "./fakes/standalone.ts";
import { freePort, Program, temporaryFolder } from "./fakes/program.ts";

// What the image holds, in a folder with no package near it.

const root = resolve(import.meta.dirname, "..");
let built: Awaited<ReturnType<typeof bundle>>;

interface Bom {
  readonly serialNumber: string;
  readonly components: readonly {
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly licenses: readonly [{ readonly license?: { readonly id: string }; readonly expression?: string }];
    readonly hashes: readonly [{ readonly content: string }];
  }[];
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version: string;
        readonly license?: string;
        readonly integrity?: string;
        readonly dev?: boolean;
        readonly dependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

beforeAll(async () => {
  built = await bundle();
});

afterAll(() => built.remove());

const bundled = (...args: string[]): Program =>
  new Program([join(built.folder, "wsproxy.js"), ...args], { file: process.execPath });

test("the bundle has less than 9 MB: the image stays small, and no command loads what it does not need", async () => {
  const files = await readdir(built.folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(9e6);
});

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

test("the bundle serves manifests, which it reads in a thread of its own", async () => {
  const it = await Standalone.prepare();
  const program = bundled("standalone", "-f", it.folder, "--admin-port", "0");
  await program.says("gateway  ws://");
  const client = await it.client(ALICE);
  await it.alive(client, "hello");
  await it.proxy({ policies: "origins: { allow: [], allowMissing: false }" });
  await program.says("the new config is in force");
  await it.alive(client, "still here");
  expect(program.ended).toBeUndefined();
});

test("the bundle has the debug page beside it, with every file and no test", async () => {
  const page = "cli/page/debug";
  const there = (await readdir(join(root, page))).filter((file) => !/\.(?:test\.ts|json)$/.test(file));
  expect((await readdir(join(built.folder, "debug"))).toSorted()).toEqual(there.toSorted());
  const it = await Standalone.prepare();
  const program = bundled("standalone", "-f", it.folder, "--admin-port", String(await freePort()));
  await program.says("/debug#token=");
  const [link = ""] = /http:\S+\/debug/.exec(program.stderr) ?? [];
  for (const [path, file] of [
    ["", "index.html"],
    ...there.filter((name) => name !== "index.html").map((name) => [`/${name}`, name]),
  ]) {
    const answer = await fetch(`${link}${path}`);
    expect([path, await answer.text()]).toEqual([path, await readFile(join(root, page, file ?? ""), "utf8")]);
  }
});

test("the bundle is a sample backend, with its page", async () => {
  const port = await freePort();
  const program = bundled("sample-backend", "--port", String(port));
  await program.says("sample backend: http://");
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(await page.text()).toBe(await readFile(join(root, "examples/sample-backend/page/index.html"), "utf8"));
});

test("what makes certificates is in a file of its own, which only an operator loads, when it makes one", async () => {
  const files = (await readdir(built.folder)).filter((file) => file.endsWith(".js"));
  const texts = await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(built.folder, file), "utf8") })),
  );
  const filesWith = (words: RegExp): string[] => texts.filter(({ text }) => words.test(text)).map(({ file }) => file);
  for (const words of [/X509CertificateGenerator/, /AsnConvert/, /defineMetadata/]) {
    expect(filesWith(words)).toEqual(["issue.js"]);
  }
  expect(filesWith(/\bimport\("\.\/issue\.js"\)/)).toEqual(["run-operator.js"]);
  expect(filesWith(/(?<!\bimport\()"\.\/issue\.js"/)).toEqual([]);
});

test("the bill of materials lists the packages that are in the bundle, as package-lock.json has them, and Node", async () => {
  const bom = JSON.parse(await readFile(join(built.folder, "sbom.cdx.json"), "utf8")) as Bom;
  expect(bom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  const [node, ...libraries] = bom.components;
  expect(node).toMatchObject({ type: "platform", name: "node", version: process.versions.node });
  const listed = libraries.map(({ group, name, version, licenses: [licence], hashes: [hash] }) => ({
    name: group === undefined ? name : `${group}/${name}`,
    version,
    licence: licence.license?.id ?? licence.expression,
    hash: hash.content,
  }));
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as Lock;
  const locked = new Map(
    Object.entries(lock.packages).map(([path, it]) => [`${path.replace(/^.*node_modules\//, "")}@${it.version}`, it]),
  );
  for (const { name, version, licence, hash } of listed) {
    const entry = locked.get(`${name}@${version}`);
    const integrity = Buffer.from(entry?.integrity?.replace("sha512-", "") ?? "", "base64").toString("hex");
    expect({ name, dev: entry?.dev, licence: entry?.license, integrity }).toEqual({ name, licence, integrity: hash });
  }
  const licences = await readFile(join(built.folder, "licences.txt"), "utf8");
  const written = [...licences.matchAll(/^(\S+) (\d+\.\d+\.\d+\S*): \S+$/gm)].map(
    ([, name, version]) => `${name}@${version}`,
  );
  expect(listed.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(written.sort());
  const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Lock["packages"][string];
  expect(Object.keys(dependencies ?? {}).filter((name) => !listed.some((it) => it.name === name))).toEqual([]);
});

test("the bundle names the licences of what is in it", async () => {
  const licences = await readFile(join(built.folder, "licences.txt"), "utf8");
  for (const name of ["zod", "pino", "prom-client", "jose", "ws"])
    expect(licences).toMatch(new RegExp(`^${name} `, "m"));
});

test("what the guide does with the image installs the program, and the plugin of kubectl", async () => {
  const guide = await readFile(join(root, "docs/guides/what-is-going-on.md"), "utf8");
  const [, block = ""] = /^## Install it without a checkout$[^]*?^```sh\n([^]*?)^```$/m.exec(guide) ?? [];
  const home = await temporaryFolder();
  // A docker that has the image, of which /app is the bundle.
  const docker = `#!/bin/sh
case "$1 $2" in
  create\\ *) echo the-id ;;
  "cp the-id:/app/.") cp -R "${built.folder}/." "$3" ;;
  "rm the-id") ;;
  *) exit 1 ;;
esac
`;
  await writeFile(join(home, "docker"), docker, { mode: 0o755 });
  const PATH = `${join(home, ".local/bin")}:${home}:${dirname(process.execPath)}:/usr/bin:/bin`;
  const env = { HOME: home, PATH };
  // The same block brings a newer version.
  for (let times = 0; times < 2; times += 1) {
    const installed = new Program(["-eu", "-c", block], { file: "/bin/sh", env });
    expect([await installed.exit(), installed.stderr]).toEqual([0, ""]);
  }
  for (const name of ["wsproxy", "kubectl-wsproxy"]) {
    const program = new Program(["status", "--help"], { file: join(home, ".local/bin", name), env });
    expect([await program.exit(), program.stderr]).toEqual([0, ""]);
    expect(program.stdout).toContain("usage: wsproxy status");
  }
  const asked = new Program(["status", "--url", "http://127.0.0.1:1", "--token", "t"], {
    file: join(home, ".local/bin/kubectl-wsproxy"),
    env,
  });
  expect(await asked.exit()).toBe(69);
  const cluster = new Program(["status", "chat", "--kubeconfig", "/nowhere"], {
    file: join(home, ".local/bin/kubectl-wsproxy"),
    env,
  });
  expect(await cluster.exit()).toBe(69);
  expect(cluster.stderr).toContain("--kubeconfig /nowhere does not exist");
});
