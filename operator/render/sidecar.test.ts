import { describe, expect, test } from "vitest";
import { parseSize } from "../../api/quantities.ts";
import { SHAPE } from "../../test/fakes/admitted.ts";
import { SETTINGS } from "../../test/fakes/golden-case.ts";
import { packer } from "../platform/packer.ts";
import { SHUTDOWN_DELAY } from "./grace.ts";
import { namesOf } from "./names.ts";
import { sidecarHash, sidecarParts, type SidecarOptions } from "./sidecar.ts";

const names = namesOf("chat", packer.hash);
const partsOf = (options: Partial<SidecarOptions> = {}, shape = SHAPE) =>
  sidecarParts(names, shape, { adminPort: 9090, idleDelay: undefined, ...options }, SETTINGS);

describe("the container", () => {
  test("is a native sidecar with the ports that a Service, the operator and a PodMonitor find by name", () => {
    const { container } = partsOf({ adminPort: 9191 }, { ...SHAPE, listenerPort: 8081 });
    expect(container).toMatchObject({ name: "wsproxy", restartPolicy: "Always" });
    expect(container.ports).toEqual([
      { name: "wsproxy", containerPort: 8081, protocol: "TCP" },
      { name: "wsproxy-admin", containerPort: 9191, protocol: "TCP" },
    ]);
    const flags = container.args?.join(" ");
    expect(flags).toContain("--listener-port 8081 ");
    expect(flags).toContain("--admin-port 9191 ");
    expect(container.lifecycle?.preStop?.exec?.command?.slice(-2)).toEqual(["--admin-port", "9191"]);
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
    expect(probes.map((probe) => probe?.httpGet?.port)).toEqual(["wsproxy-admin", "wsproxy-admin", "wsproxy-admin"]);
  });

  test("is not ready before its listener closes, where the kubelet stops it alone", () => {
    const { periodSeconds = 10, failureThreshold = 3 } = partsOf().container.readinessProbe ?? {};
    expect(periodSeconds * failureThreshold).toBeLessThan(SHUTDOWN_DELAY);
  });

  test("of a Job does not wait where it has no sessions", () => {
    expect(partsOf({ idleDelay: "0s" }).container.args?.slice(-2)).toEqual(["--idle-shutdown-delay", "0s"]);
    expect(partsOf().container.args).not.toContain("--idle-shutdown-delay");
  });

  test("has the resources of the WebSocketProxy, and never some of ours beside them", () => {
    const resources = { limits: { memory: "64Mi" } };
    expect(partsOf({}, { ...SHAPE, resources }).container.resources).toEqual(resources);
    expect(partsOf().container.resources).toEqual({ requests: { cpu: "100m", memory: "128Mi" } });
  });
});

describe("its volumes", () => {
  test("are read by any user, wait for no object, and are as many as it mounts", () => {
    const { container, volumes } = partsOf({ volumeNames: { config: "a", none: "b" } });
    expect(volumes.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(container.volumeMounts?.map(({ name, readOnly }) => [name, readOnly])).toEqual([
      ["a", true],
      ["b", true],
    ]);
    const [{ projected } = {}] = volumes;
    expect(projected?.defaultMode).toBe(0o444);
    const sources = (projected?.sources ?? []).map(({ secret, configMap }) => secret ?? configMap);
    expect(sources.map((source) => source?.optional)).toEqual(sources.map(() => true));
    expect(sources).toHaveLength(6);
  });

  test("leave the empty one room for its own folder: the kubelet evicts the pod of a larger one", () => {
    const [, none] = partsOf().volumes;
    expect(parseSize(none?.emptyDir?.sizeLimit ?? "")).toBeGreaterThan(64 * 1024); // a block of a file system, at the most
  });
});

describe("the hash of a shape", () => {
  const hash = (shape = SHAPE, settings = SETTINGS, proxy = "chat"): string =>
    sidecarHash(namesOf(proxy, packer.hash), shape, settings, packer.hash);

  test("is short, and the same in whatever order the fields came", () => {
    expect(hash()).toMatch(/^[0-9a-f]{16}$/);
    const one = { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2" } };
    const other = { limits: { cpu: "2" }, requests: { memory: "1Gi", cpu: "1" } };
    expect(hash({ ...SHAPE, resources: one })).toBe(hash({ ...SHAPE, resources: other }));
  });

  test.each<[string, () => string]>([
    ["listener port", () => hash({ ...SHAPE, listenerPort: 8081 })],
    ["resources", () => hash({ ...SHAPE, resources: { limits: { cpu: "1" } } })],
    ["drain period, for which the pod's grace period is made", () => hash({ ...SHAPE, drainPeriod: "1m" })],
    ["image", () => hash(SHAPE, { ...SETTINGS, image: "registry.example/wsproxy:2.0.0" })],
    ["pull policy", () => hash(SHAPE, { ...SETTINGS, imagePullPolicy: "Always" })],
    ["proxy", () => hash(SHAPE, SETTINGS, "other")],
  ])("is another one with another %s", (_, other) => {
    expect(other()).not.toBe(hash());
  });

  test("is the same with another selector, or another spelling of the drain period: pods get the same", () => {
    expect(hash({ ...SHAPE, selector: { matchLabels: { app: "other" } } })).toBe(hash());
    expect(hash({ ...SHAPE, drainPeriod: "30000ms" })).toBe(hash());
  });
});
