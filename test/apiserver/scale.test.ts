import { describe, expect, test } from "vitest";
import type { Call } from "../../operator/kube/call.ts";
import { FIELD_MANAGER, REPLICAS_MANAGER } from "../../operator/kube/field-manager.ts";
import { destroy } from "./bench.ts";
import { eventually } from "./operator-bench.ts";
import { ScaledProxy } from "./scaled-proxy.ts";

const HPA = "kube-controller-manager/scale";

/** A change of the spec that the template of the pods shows. */
let changes = 0;
const changed = (): object => ({ pod: { annotations: { change: String((changes += 1)) } } });

async function running(gateway: object): Promise<{ it: ScaledProxy; stop: () => Promise<void> }> {
  const it = await ScaledProxy.make();
  const { stop } = it.operator();
  await it.spec(gateway);
  return { it, stop };
}

describe("without gateway.replicas", () => {
  test("the Deployment is made with two, by one write", async () => {
    const { it } = await running({});
    await it.has(2);
    expect(it.applies.map(({ body }) => (body as { spec: { replicas?: number } }).spec.replicas)).toEqual([2]);
  });

  test("an autoscaler's number stays, through passes and through a change of the pods", async () => {
    const { it } = await running({});
    await it.has(2);
    await it.autoscaler(7);
    await it.spec(changed());
    await eventually("the change is written", async () => it.applies.length === 2);
    await it.has(7);
    expect(await it.owned()).toBe(`7: ${HPA}`);
    expect(it.applies.map(({ query }) => query?.["fieldManager"])).toEqual([FIELD_MANAGER, FIELD_MANAGER]);
  });

  test("a change of the pods keeps the number that no other writer has set, and hands it to whatever scales next", async () => {
    const { it } = await running({});
    await it.has(2);
    await it.spec(changed());
    await eventually("both are written", async () => it.applies.length === 3);
    await it.has(2);
    expect(await it.owned()).toBe(`2: ${REPLICAS_MANAGER}`);
    await it.autoscaler(7);
    await it.spec(changed());
    await eventually("the change is written", async () => it.applies.length === 4);
    await it.has(7);
    expect(await it.owned()).toBe(`7: ${HPA}`);
  });

  test.each([
    [0, ""], // the field is left out of what such a write owns
    [1, "kubectl/scale"],
    [900, "kubectl/scale"],
  ])("a person's %i stays", async (replicas, owner) => {
    const { it } = await running({});
    await it.has(2);
    await it.autoscaler(replicas, "kubectl");
    await it.spec(changed());
    await eventually("the change is written", async () => it.applies.length === 2);
    await it.has(replicas);
    expect(await it.owned()).toBe(`${replicas}: ${owner}`);
  });

  test("an autoscaler that is faster than the operator keeps its number", async () => {
    const { it } = await running({});
    await it.has(2);
    it.before = async ({ query }: Call) => {
      if (query?.["fieldManager"] === REPLICAS_MANAGER) await it.autoscaler(7);
    };
    await it.spec(changed());
    await eventually("the change is written", async () => it.applies.length >= 3);
    await it.has(7);
    expect(await it.owned()).toBe(`7: ${HPA}`);
  });

  test("a Deployment that a person deleted is made anew, with two", async () => {
    const { it } = await running({});
    await it.has(2);
    await it.autoscaler(7);
    await destroy(it.client, "Deployment", it.namespace, "wsproxy-chat");
    await it.has(2);
    expect(await it.owned()).toBe(`2: ${FIELD_MANAGER}`);
  });
});

describe("with gateway.replicas", () => {
  test("the number is made, kept and changed with the spec", async () => {
    const { it } = await running({ replicas: 5 });
    await it.has(5);
    await it.autoscaler(7);
    await it.has(5);
    expect(await it.owned()).toBe(`5: ${REPLICAS_MANAGER}`);
    await it.spec({ replicas: 3 });
    await it.has(3);
    await it.spec({ replicas: 0, ...changed() });
    await it.has(0);
    expect(await it.owned()).toBe(`0: ${REPLICAS_MANAGER}`);
    await destroy(it.client, "Deployment", it.namespace, "wsproxy-chat");
    await it.spec({ replicas: 4 });
    await it.has(4);
  });

  test("that is removed: the number stays until another writer changes it; that is given: it is written", async () => {
    const { it } = await running({ replicas: 5 });
    await it.has(5);
    await it.spec(changed());
    await it.has(5);
    await it.autoscaler(7);
    await it.spec(changed());
    await it.has(7);
    await it.spec({ replicas: 3 });
    await it.has(3);
    await it.spec({});
    await it.has(3);
    expect(await it.owned()).toBe(`3: ${REPLICAS_MANAGER}`);
  });
});

describe("an upgrade from an operator with one field manager", () => {
  /** What the released operator left, then an autoscaler, then this operator. */
  async function upgraded(gateway: object, old: number, autoscaler?: number): Promise<ScaledProxy> {
    const { it, stop } = await running(gateway);
    await it.has((gateway as { replicas?: number }).replicas ?? 2);
    await stop();
    await destroy(it.client, "Deployment", it.namespace, "wsproxy-chat");
    await it.oldOperator(old);
    expect(await it.owned()).toBe(`${old}: ${FIELD_MANAGER}`);
    if (autoscaler !== undefined) await it.autoscaler(autoscaler);
    it.operator();
    await eventually("the new one has written", async () => {
      const { metadata } = await it.deployment();
      return !metadata.annotations?.["wsproxy.dev/applied"]?.startsWith("old");
    });
    return it;
  }

  test("keeps a number that the spec fixes", async () => {
    const it = await upgraded({ replicas: 5 }, 5);
    expect(await it.owned()).toBe(`5: ${REPLICAS_MANAGER}`);
  });

  test("without a number, keeps the old default, and then an autoscaler's", async () => {
    const it = await upgraded({}, 2);
    expect(await it.owned()).toBe(`2: ${REPLICAS_MANAGER}`);
    await it.autoscaler(7);
    await it.spec(changed());
    await it.has(7);
    expect(await it.owned()).toBe(`7: ${HPA}`);
  });

  test("without a number, keeps what an autoscaler has just set", async () => {
    const it = await upgraded({}, 2, 7);
    expect(await it.owned()).toBe(`7: ${HPA}`);
  });

  test("and back, and again: the old one writes its number, the new one never resets it to 1", async () => {
    const it = await upgraded({}, 2, 7);
    for (const old of [2, 3]) {
      await it.oldOperator(old);
      await eventually("the new one has written", async () => {
        const { metadata } = await it.deployment();
        return !metadata.annotations?.["wsproxy.dev/applied"]?.startsWith("old");
      });
      expect(await it.owned()).toBe(`${old}: ${REPLICAS_MANAGER}`);
    }
  });
});

test("an autoscaler that keeps changing a fixed number is named, answered ever more slowly, and still loses", async () => {
  const { it } = await running({ replicas: 3 });
  await it.has(3);
  for (const replicas of [7, 0, 9]) {
    await it.autoscaler(replicas);
    await it.has(3);
  }
  const words =
    /kube-controller-manager \(subresource scale\), a writer without a name\. Remove spec\.gateway\.replicas/;
  await eventually("the status names it", async () => words.test(await it.message("Programmed")));
  const said = await it.message("Programmed");
  const [before, writes] = [(await it.proxy()).metadata.resourceVersion, it.applies.length];
  await it.autoscaler(7);
  await it.has(3);
  expect(it.applies.length - writes).toBe(1);
  expect(await it.message("Programmed")).toBe(said);
  expect((await it.proxy()).metadata.resourceVersion).toBe(before);
  await it.autoscaler(7);
  await it.spec({});
  await eventually("it goes with the number", async () => !words.test(await it.message("Programmed")));
  await it.has(7);
}, 120_000);
