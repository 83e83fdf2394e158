import { expect, test } from "vitest";
import { ALICE, BOB, backendManifest, keysManifest, proxyManifest } from "../../test/fakes/manifests.ts";
import { ran } from "../../test/fakes/program.ts";
import { Standalone } from "../../test/fakes/standalone.ts";

/** Names as long as Kubernetes takes them, with parts that DNS would not take. */
const PROXY = `${"p".repeat(100)}.${"q".repeat(152)}`;
const SERVICE = "s".repeat(63);

async function prepared(): Promise<Standalone> {
  const it = await Standalone.prepare();
  await it.write("proxy.yaml", proxyManifest({ port: it.port, name: PROXY, service: SERVICE }));
  await it.write(
    "keys.yaml",
    [keysManifest({ alice: ALICE }, "k".repeat(80)), keysManifest({ bob: BOB }, `l.${"k".repeat(251)}`)].join("---\n"),
  );
  const slice = `name: ${SERVICE}-1,`;
  await it.write("backend.yaml", backendManifest(it.backend.port, SERVICE).replace(slice, `name: ${SERVICE}-abcde,`));
  return it;
}

test("proxy, Secrets, Service and EndpointSlice with the longest names: check finds no mistake, standalone serves", async () => {
  const it = await prepared();
  const { ended, stdout } = await ran("check", "-f", it.folder);
  expect([ended, stdout.split("\n").filter((line) => line.includes("yaml"))]).toEqual([0, []]);
  it.run();
  await it.program.says("#token=");
  for (const key of [ALICE, BOB]) await it.alive(await it.client(key), "hello");
  expect(JSON.parse(await it.admin("/config"))).toMatchObject({ proxies: [{ proxy: `demo/${PROXY}` }] });
  expect(await it.admin("/sessions")).toContain(PROXY);
  expect(await it.admin("/metrics")).toContain(`proxy="demo/${PROXY}"`);
});

const MALFORMED = `apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: demo, labels: { keys: chat } }
data: none
`;

test("a Secret that cannot be decoded is told in the condition, and not as one that is missing", async () => {
  const it = await Standalone.prepare();
  await it.write("keys.yaml", MALFORMED);
  const { ended, stdout } = await ran("check", "-f", it.folder);
  expect(ended).toBe(1);
  expect(stdout).toMatch(/demo\/chat +True +False \(SecretInvalid\)/);
  it.run();
  await it.program.says("#token=");
  expect(it.program.stderr).toMatch(/demo\/chat +True +False \(SecretInvalid\)/);
  await it.write("keys.yaml", keysManifest({ alice: ALICE }));
  await it.program.says("ResolvedRefs");
  await it.alive(await it.client(ALICE), "hello");
});

test("an address that is not used is told in the condition, and the other one is dialled", async () => {
  const it = await Standalone.prepare();
  await it.write(
    "backend.yaml",
    backendManifest(it.backend.port).replace("[127.0.0.1]", '["fe80::1%eth0", 127.0.0.1]'),
  );
  const { ended, stdout } = await ran("check", "-f", it.folder);
  expect(ended).toBe(1);
  expect(stdout).toMatch(/demo\/chat +True +False \(ServiceUnsupported\)/);
  expect(stdout).toMatch(
    /EndpointSlice demo\/echo-1, endpoints\[0\]\.addresses\[0\]: "fe80::1%eth0" is not an IP address/,
  );
  it.run();
  await it.program.says("#token=");
  await it.alive(await it.client(ALICE), "hello");
});

test("a backend on a UDP port is told so", async () => {
  const it = await Standalone.prepare();
  await it.write("backend.yaml", backendManifest(it.backend.port).replace("port: 80 }", "port: 80, protocol: UDP }"));
  const { stdout } = await ran("check", "-f", it.folder);
  expect(stdout).toMatch(/False \(ServicePortNotFound\)/);
  expect(stdout).toContain("Service echo has port 80 for UDP only");
});
