import { INJECT_LABEL } from "../../api/meta.ts";
import { fieldPath } from "../../api/problem.ts";
import { list, record } from "../../api/unchecked.ts";
import { nameInWords } from "../../operator/translate/read-proxy.ts";
import type { ObjectLocation } from "./location.ts";

/** Pods that an object of the files makes, or is, with the label that asks for a data plane. */
export interface InjectedPods {
  /** Such as `Deployment demo/chat`. */
  readonly id: string;
  readonly namespace: string;
  /** Name of the WebSocketProxy. */
  readonly proxy: string;
  /** Path of the label. */
  readonly at: string;
  /** All labels of the pods; undefined: the object has the label, and its pods do not get it. */
  readonly labels: Readonly<Record<string, unknown>> | undefined;
  /** Name → number of each port that its containers name. */
  readonly ports: ReadonlyMap<unknown, unknown>;
  readonly location: ObjectLocation;
}

/** Paths of pod templates: of a Deployment, a StatefulSet, a Job and their like, and of a CronJob. */
const TEMPLATES = [
  ["spec", "template"],
  ["spec", "jobTemplate", "spec", "template"],
];

const KIND = /^[A-Za-z0-9]{1,63}$/;

/** What an object that is no Secret, ConfigMap or Service says of injection; undefined: it does not have the label. */
export function injectedPods(
  value: Readonly<Record<string, unknown>>,
  location: ObjectLocation,
): InjectedPods | undefined {
  const { kind, metadata } = value;
  const { name, namespace } = record(metadata);
  const space = typeof namespace === "string" && namespace !== "" ? nameInWords(namespace) : "default";
  const found = (path: readonly string[], isPod: boolean): InjectedPods | undefined => {
    const made = record(path.reduce<unknown>((at, key) => record(at)[key], value));
    const labels = record(record(made["metadata"])["labels"]);
    const proxy = Object.hasOwn(labels, INJECT_LABEL) ? labels[INJECT_LABEL] : undefined;
    if (typeof proxy !== "string") return undefined;
    const id = `${typeof kind === "string" && KIND.test(kind) ? kind : "Object"} ${space}/${nameInWords(name)}`;
    const at = fieldPath("", [...path, "metadata", "labels", INJECT_LABEL]);
    const ports = namedPorts(record(made["spec"]));
    return { id, namespace: space, proxy, at, labels: isPod ? labels : undefined, ports, location };
  };
  const templates = TEMPLATES.map((path) => found(path, true));
  return templates.find((it) => it !== undefined) ?? found([], kind === "Pod");
}

function namedPorts({ initContainers, containers }: Readonly<Record<string, unknown>>): Map<unknown, unknown> {
  const ports = [...list(initContainers), ...list(containers)].flatMap((one) => list(record(one)["ports"]));
  return new Map(ports.map((port) => [record(port)["name"], record(port)["containerPort"]]));
}
