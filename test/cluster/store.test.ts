import { expect, test } from "vitest";
import { exampleStore } from "./store.ts";

test("the store of a scenario is that of the example, with its own image, namespace and password", async () => {
  const parts = { image: "store:1", namespace: "shared", password: "a-password" };
  const manifests = await exampleStore(parts);
  expect(manifests.map((one) => (one as { kind: string }).kind)).toEqual([
    "Secret",
    "Deployment",
    "Service",
    "NetworkPolicy",
  ]);
  for (const one of manifests) expect(one).toMatchObject({ metadata: { namespace: "shared" } });
  expect(manifests[0]).toMatchObject({ stringData: { username: "wsproxy", password: "a-password" } });
  const container = { image: "store:1", args: [expect.stringContaining("~{shared/*}:* resetchannels")] };
  expect(manifests[1]).toMatchObject({ spec: { template: { spec: { containers: [container] } } } });
  expect(JSON.stringify(manifests)).not.toMatch(/demo|example-password/);
});
