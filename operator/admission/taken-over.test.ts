import { expect, test } from "vitest";
import { SHAPE } from "../../test/fakes/admitted.ts";
import { SETTINGS } from "../../test/fakes/golden-case.ts";
import { packer } from "../platform/packer.ts";
import { namesOf } from "../render/names.ts";
import { sidecarParts } from "../render/sidecar.ts";
import { withTakenOver } from "./taken-over.ts";

const names = namesOf("chat", packer.hash);
const { container } = sidecarParts(names, SHAPE, { adminPort: 9090, idleDelay: undefined }, SETTINGS);
const after = (more: object) => withTakenOver(container, { ...container, ...more });

test.each<[string, object]>([
  ["limits of a LimitRange", { resources: { ...container.resources, limits: { memory: "1Gi" } } }],
  ["a further request", { resources: { requests: { ...container.resources?.requests, "example.com/gpu": "1" } } }],
  ["the image in a mirror", { image: "mirror.example/registry.example/wsproxy:1.0.0" }],
  ["the image with its digest", { image: `registry.example/wsproxy:1.0.0@sha256:${"a".repeat(64)}` }],
  ["that the image is always pulled", { imagePullPolicy: "Always" }],
  [
    "what the API server fills in",
    { terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File" },
  ],
  ["how a container is resized", { resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }],
])("of a container that went through before %s is taken over", (_, more) => {
  expect(after(more)).toEqual({ ...container, ...more });
});

test.each<[string, object]>([
  ["another command", { command: ["sleep", "infinity"] }],
  ["another image", { image: "registry.example/nothing:1" }],
  ["another version of the image", { image: "registry.example/wsproxy:0.9.0" }],
  ["an image whose name only begins like ours", { image: "registry.example/wsproxy:1.0.0-evil" }],
  ["an image of another name by the same tag", { image: "registry.example/not-wsproxy:1.0.0" }],
  ["no pulling", { imagePullPolicy: "Never" }],
  ["other arguments", { args: ["dataplane"] }],
  ["environment variables", { env: [{ name: "NODE_OPTIONS", value: "--require /x.js" }], envFrom: [] }],
  ["another security context", { securityContext: { privileged: true } }],
  ["another user", { securityContext: { ...container.securityContext, runAsUser: 0 } }],
  ["further mounts", { volumeMounts: [...(container.volumeMounts ?? []), { name: "x", mountPath: "/x" }] }],
  ["no probes", { readinessProbe: undefined, startupProbe: null }],
  ["a probe that wants more", { readinessProbe: { ...container.readinessProbe, successThreshold: 100 } }],
  ["another hook", { lifecycle: { postStart: { exec: { command: ["x"] } } } }],
  ["less requested", { resources: { requests: { cpu: "1m", memory: "1Mi" } } }],
  ["a log path of its own", { terminationMessagePath: "/etc/passwd" }],
  ["resources that are a text", { resources: "none", resizePolicy: "none", image: 1 }],
])("T1 of a container that went through before %s is not taken over", (_, more) => {
  expect(after(more)).toEqual(container);
});

test.each([undefined, null, "wsproxy", [container]])("where %j was found the container is ours alone", (found) => {
  expect(withTakenOver(container, found)).toEqual(container);
});
