import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { Program, ran, temporaryFolder } from "../../test/fakes/program.ts";

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const GOOD = {
  "proxy.yaml": proxyManifest(),
  "keys.yaml": keysManifest({ alice: ALICE, bob: BOB }),
  "backend.yaml": backendManifest(9000),
};

test("good manifests: the table, nothing else, and 0", async () => {
  const { ended, stdout, stderr } = await ran("check", "-f", await folderOf(GOOD));
  expect([ended, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(
    "PROXY      ROUTE  ACCEPTED  RESOLVED\ndemo/chat         True      True\ndemo/chat  main   True      True\n",
  );
});

test("the examples that the README uses are good", async () => {
  expect((await ran("check", "-f", "examples/quickstart")).ended).toBe(0);
});

/** A mistake: what is written, and the object and field by which it must be named. */
interface Mistake {
  readonly file: string;
  readonly text: string;
  readonly named: RegExp;
}

const proxy = (name: string, from: string, to: string): string => {
  const text = proxyManifest({ name, policies: "messageSize: { fromClient: 64Ki }" });
  if (!text.includes(from)) throw new Error(`nothing to break: ${from}`);
  return text.replace(from, to);
};

const at = (name: string, field: string): RegExp =>
  new RegExp(`document \\d+, WebSocketProxy demo/${name}, ${field.replaceAll(/[.[\]]/g, String.raw`\$&`)}: .{10}`);

const spec = (name: string, from: string, to: string, field: string): Mistake => ({
  file: `${name}.yaml`,
  text: proxy(name, from, to),
  named: at(name, field),
});

const MISTAKES: readonly Mistake[] = [
  spec("p01", "wsproxy.dev/v1alpha1", "wsproxy.dev/v1", "apiVersion"),
  spec("p02", "listener: { port: 8080 }", "listener: { port: 80800 }", "spec.listener.port"),
  spec("p03", "listener:", "listeners:", "spec.listeners"),
  spec("p04", "period: 100ms", "period: 100", "spec.dataplane.drain.period"),
  spec("p05", "name: main", "name: Main", "spec.routes[0].name"),
  spec("p06", "name: main", "name: main\n      path: { value: chat }", "spec.routes[0].path.value"),
  spec("p07", "name: main", 'name: main\n      hostnames: ["https://a.example"]', "spec.routes[0].hostnames[0]"),
  spec("p08", "64Ki", "64KB", "spec.routes[0].policies.messageSize.fromClient"),
  spec("p09", "fromClient: 64Ki", "fromClients: 64Ki", "spec.routes[0].policies.messageSize.fromClients"),
  spec("p10", "service: echo", "service: absent", "spec.routes[0].backends[0].service"),
  spec("p11", "port: 80 ", "port: 81 ", "spec.routes[0].backends[0].port"),
  spec("p12", "port: 80 ", "port: 80, tls: { caSecretName: no-ca } ", "spec.routes[0].backends[0].tls.caSecretName"),
  spec("p13", "{ keys: chat }", "{ keys: other }", "spec.routes[0].policies.authentication.apiKey.secretSelector"),
  {
    file: "p24.yaml",
    text: `${proxyManifest({ name: "p24", service: "echo, basicAuthSecretName: login" })}---
apiVersion: v1
kind: Secret
metadata: { name: login, namespace: demo }
type: kubernetes.io/basic-auth
stringData: { username: gateway, password: a-password }
`,
    named: at("p24", "spec.routes[0].backends[0].basicAuthSecretName"),
  },
  {
    file: "s25.yaml",
    text: keysManifest({ frank: ALICE }, "s25"),
    named: /Secret demo\/s25.*is the same key as that of/,
  },
  spec("p14", "listener: {", "listener: { tls: { secretName: no-tls },", "spec.listener.tls.secretName"),
  spec("p15", "  routes:", "  sidecar: {}\n  routes:", "spec.sidecar"),
  {
    file: "p16.yaml",
    text: proxyManifest({ name: "p16" }).replace(/policies:[^]*/, ""),
    named: at("p16", "spec.routes[0].policies.authentication"),
  },
  {
    file: "p17.yaml",
    text: proxyManifest({ name: "p17", routes: "- { name: main, backends: [{ service: echo, port: 80 }] }" }),
    named: at("p17", "spec.routes[1].name"),
  },
  {
    file: "s18.yaml",
    text: keysManifest({ carol: "short" }, "s18"),
    named: /document 1, Secret demo\/s18, (string)?[dD]ata\.carol: .{10}/,
  },
  {
    file: "s19.yaml",
    text: keysManifest({ dave: ALICE.slice(1) }, "s19").replace("stringData", "data"),
    named: /document 1, Secret demo\/s19, data\.dave: is not base64/,
  },
  {
    file: "s20.yaml",
    text: `${backendManifest(9000, "other")}---\nkind: Secret\nmetadata: { name: s20 }\n`,
    named: /s20\.yaml:13: document 3.*apiVersion/,
  },
  {
    file: "y21.yaml",
    text: keysManifest({ erin: ALICE }, "y21").replace("stringData", "metadata: {}\nstringData"),
    named: /y21\.yaml:4:1: document 1, Secret demo\/y21, metadata: .*twice/,
  },
  { file: "y22.yaml", text: "kind: Secret\n\tmetadata: {}\n", named: /y22\.yaml:2:1: document 1: is not YAML: tabs/ },
  {
    file: "z23.yaml",
    text: proxyManifest({ name: "p10" }),
    named: /z23\.yaml:1: document 1, WebSocketProxy demo\/p10: stands twice: it is in \S+p10\.yaml:1, document 1/,
  },
];

test("a folder with more than twenty different mistakes: each is named with its file, object and field", async () => {
  const files = Object.fromEntries(MISTAKES.map(({ file, text }) => [file, text]));
  const { ended, stdout } = await ran("check", "-f", await folderOf({ ...GOOD, ...files }));
  expect(ended).toBe(1);
  const lines = stdout.split("\n");
  for (const { file, named } of MISTAKES) {
    const own = lines.filter((line) => line.includes(`/${file}:`));
    expect(own.join("\n")).toMatch(named);
    for (const line of own) expect(line).toMatch(/\.yaml:\d+/);
  }
  expect(stdout).not.toContain("spec.mode"); // a manifest need not hold a default
  for (const key of [ALICE, BOB, ALICE.slice(1), "short"]) expect(stdout).not.toContain(`"${key}`);
});

test("a listener on the admin port is said with object, field and fix; another admin port, or none, makes it good", async () => {
  const folder = await folderOf({ ...GOOD, "proxy.yaml": proxyManifest({ port: 9090 }) });
  const { ended, stdout } = await ran("check", "-f", folder);
  expect(ended).toBe(1);
  expect(stdout).toMatch(
    /proxy\.yaml:5: document 1, WebSocketProxy demo\/chat, spec\.listener\.port: port 9090 is that of the gateway's own \/metrics and \/healthz \(the admin port\) already; choose another\n/,
  );
  for (const port of ["9091", "0"]) expect((await ran("check", "-f", folder, "--admin-port", port)).ended).toBe(0);
});

test("a proxy of mode Sidecar with a port of the pod is good", async () => {
  const sidecar = proxyManifest({ spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }" });
  const text = sidecar.replace("{ service: echo, port: 80 }", "{ port: 3000 }");
  const { ended, stdout } = await ran("check", "-f", await folderOf({ ...GOOD, "proxy.yaml": text }));
  expect({ ended, stdout }).toEqual({
    ended: 0,
    stdout:
      "PROXY      ROUTE  ACCEPTED  RESOLVED\ndemo/chat         True      True\ndemo/chat  main   True      True\n",
  });
});

test("a way around the gateway of a pod is a warning, which does not change how check ends", async () => {
  const sidecar = proxyManifest({ spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }" });
  const text = sidecar.replace("{ service: echo, port: 80 }", "{ port: 3000 }");
  const around =
    "apiVersion: v1\nkind: Service\nmetadata: { name: chat, namespace: demo }\nspec: { selector: { app: chat }, ports: [{ port: 3000 }] }\n";
  const folder = await folderOf({ ...GOOD, "proxy.yaml": text, "service.yaml": around });
  const { ended, stdout } = await ran("check", "-f", folder);
  expect(ended).toBe(0);
  expect(stdout).toMatch(
    /^warning: \S+service\.yaml:4: document 1, Service demo\/chat, spec\.ports\[0\]\.port: leads clients to port 3000/m,
  );
});

const LIMITED = "connections: [{ per: Client, limit: 5 }]";

test("what limits mean without a store is a note, which does not change how check ends", async () => {
  const text = proxyManifest({ spec: "gateway: { replicas: 3 }", policies: LIMITED });
  const { ended, stdout } = await ran("check", "-f", await folderOf({ ...GOOD, "proxy.yaml": text }));
  expect(ended).toBe(0);
  expect(stdout).toMatch(
    /^note: \S+proxy\.yaml:4: document 1, WebSocketProxy demo\/chat, spec\.store: Limits per .* in each of the 3 pods by itself, .* 3 times as much; /m,
  );
  const json = JSON.parse((await ran("check", "-f", await folderOf({ "proxy.yaml": text }), "-o", "json")).stdout) as {
    proxies: { conditions: { message: string }[] }[];
  };
  expect(json.proxies[0]?.conditions[0]?.message).toContain("in each of the 3 pods by itself");
});

test("with a store there is no such note, and a password without TLS is a warning", async () => {
  const store = "store: { address: valkey:6379, credentialsSecretName: valkey-login }";
  const login = `apiVersion: v1
kind: Secret
metadata: { name: valkey-login, namespace: demo, labels: { wsproxy.dev/use: "true" } }
type: kubernetes.io/basic-auth
stringData: { password: of-the-store }
`;
  const folder = await folderOf({
    ...GOOD,
    "proxy.yaml": proxyManifest({ spec: store, policies: LIMITED }),
    "login.yaml": login,
  });
  const { ended, stdout } = await ran("check", "-f", folder);
  expect(ended).toBe(0);
  expect(stdout).toMatch(
    /^warning: .*proxy\.yaml:7: .*spec\.store\.credentialsSecretName: goes to valkey in clear text/m,
  );
  expect(stdout).not.toMatch(/^note:|of-the-store/m);
});

test("a backend of a Sidecar on the admin port is said too", async () => {
  const sidecar = proxyManifest({ spec: "mode: Sidecar\nsidecar: { selector: { matchLabels: { app: chat } } }" });
  const text = sidecar.replace("{ service: echo, port: 80 }", "{ port: 9090 }");
  const { ended, stdout } = await ran("check", "-f", await folderOf({ ...GOOD, "proxy.yaml": text }));
  expect(ended).toBe(1);
  expect(stdout).toContain("spec.routes[0].backends[0].port: is that of the gateway's own /metrics and /sessions");
});

test("what is fine beside a mistake is not complained about", async () => {
  const { stdout } = await ran("check", "-f", await folderOf({ ...GOOD, "x.yaml": proxy("x", "64Ki", "64KB") }));
  expect(stdout.split("\n").filter((line) => /\.yaml/.test(line)).length).toBe(1);
  expect(stdout).toContain("demo/chat  main   True");
});

test("for machines the same as JSON, with places", async () => {
  const folder = await folderOf({ ...GOOD, "x.yaml": proxy("x", "service: echo", "service: absent") });
  const { ended, stdout } = await ran("check", "-f", folder, "-o", "json");
  expect(ended).toBe(1);
  const report = JSON.parse(stdout) as Record<"proxies" | "problems" | "ignored", Record<string, unknown>[]>;
  expect(report.proxies.map(({ namespace, name }) => `${String(namespace)}/${String(name)}`)).toEqual([
    "demo/chat",
    "demo/x",
  ]);
  expect(report.proxies[1]?.["conditions"]).toMatchObject([
    { type: "Accepted", status: "True" },
    { type: "ResolvedRefs", status: "False", reason: "ServiceNotFound" },
  ]);
  expect(report.problems).toMatchObject([
    {
      file: join(folder, "x.yaml"),
      document: 1,
      line: 10,
      object: "WebSocketProxy demo/x",
      field: "spec.routes[0].backends[0].service",
      reason: "ServiceNotFound",
    },
  ]);
  expect(report.ignored).toEqual([]);
});

test("standard input is read with -f -, Lists included", async () => {
  const items = Object.values(GOOD).join("---\n");
  const program = new Program(["check", "-f", "-"]);
  program.write(`${items}---\napiVersion: v1\nkind: List\nitems:\n- { apiVersion: apps/v1, kind: Deployment }\n`);
  program.endInput();
  expect(await program.exit()).toBe(0);
  expect(program.stdout).toContain("demo/chat  main   True      True\n");
  expect(program.stdout).toContain('note: (standard input):37: document 5: "apps/v1 Deployment" is not used here\n');
});

test.each([
  ["a path that does not exist", {}, "missing.yaml: does not exist"],
  ["a folder without manifests", { "README.md": "" }, "holds no .yaml, .yml or .json file"],
  ["manifests without a proxy", { "keys.yaml": GOOD["keys.yaml"] }, "there is no WebSocketProxy in it"],
])("%s is said, and ends with 1", async (_what, files, words) => {
  const folder = await folderOf(files);
  const path = Object.keys(files).length === 0 ? join(folder, "missing.yaml") : folder;
  const { ended, stdout } = await ran("check", "-f", path);
  expect(ended).toBe(1);
  expect(stdout).toContain(words);
});

test("several paths are one set of manifests", async () => {
  const folder = await folderOf(GOOD);
  const paths = Object.keys(GOOD).flatMap((name) => ["-f", join(folder, name)]);
  expect((await ran("check", ...paths)).ended).toBe(0);
  expect((await ran("check", ...paths.slice(0, 4))).ended).toBe(1); // without the backend
});

const issuer = (name: string, more = ""): string =>
  `{ issuer: "https://${name}.test/", audiences: [chat], jwks: { uri: "https://${name}.test/keys" }${more} }`;
const withJwt = (jwt: string): Promise<string> =>
  folderOf({ ...GOOD, "proxy.yaml": proxyManifest({ policies: `  jwt: ${jwt}` }) });
const JWT = "spec.routes[0].policies.authentication.jwt";

test("two issuers that take the client id from one claim are a warning, and no mistake", async () => {
  const folder = await withJwt(`[${issuer("a")}, ${issuer("b", ", clientClaim: email")}, ${issuer("c")}]`);
  const { ended, stdout } = await ran("check", "-f", folder);
  expect(ended).toBe(0);
  expect(stdout.split("\n").filter((line) => line.startsWith("warning: "))).toEqual([
    expect.stringMatching(
      /^warning: .*proxy\.yaml:\d+: .*, spec\.routes\[0\]\.policies\.authentication\.jwt\[2\]\.clientClaim: .*"sub", as jwt\[0\] does.*"https:\/\/c\.test\/".*"https:\/\/a\.test\/"/,
    ),
  ]);
  const json = await ran("check", "-f", folder, "-o", "json");
  expect(json.ended).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({ problems: [], warnings: [{ field: `${JWT}[2].clientClaim` }] });
});

test("issuers that name different claims are no warning", async () => {
  const { ended, stdout } = await ran(
    "check",
    "-f",
    await withJwt(`[${issuer("a")}, ${issuer("b", ", clientClaim: email")}]`),
  );
  expect([ended, stdout.includes("warning")]).toEqual([0, false]);
});

test("jwt as it was before it was a list: check says what to write", async () => {
  const { ended, stdout } = await ran("check", "-f", await withJwt(issuer("a")));
  expect(ended).toBe(1);
  expect(stdout).toContain(`, ${JWT}: is a list now, one entry for each issuer: write jwt: [{ issuer: …, … }]`);
});
