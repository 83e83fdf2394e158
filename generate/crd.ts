import { stringify } from "yaml";
import { GROUP, KIND, PLURAL, VERSION } from "../api/meta.ts";
import { status } from "../api/status.ts";
import { crdRule, RULES } from "../api/rule.ts";
import { sidecarName, spec } from "../api/websocket-proxy.ts";
import { schemaOf, type Schema } from "./schema.ts";
import { structural } from "./structural.ts";

/** The CustomResourceDefinition of WebSocketProxy. */
export const crd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${PLURAL}.${GROUP}` },
  spec: {
    group: GROUP,
    names: {
      kind: KIND,
      listKind: `${KIND}List`,
      plural: PLURAL,
      singular: KIND.toLowerCase(),
      shortNames: ["wsp"],
      categories: ["wsproxy"],
    },
    scope: "Namespaced",
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.gateway.replicas",
            statusReplicasPath: ".status.dataplane.replicas",
            labelSelectorPath: ".status.dataplane.selector",
          },
        },
        additionalPrinterColumns: [
          column("Mode", ".spec.mode", "string"),
          column("Ready", '.status.conditions[?(@.type=="Ready")].status', "string"),
          column("Replicas", ".status.dataplane.replicas", "integer"),
          column("Address", ".status.address", "string"),
          column("Age", ".metadata.creationTimestamp", "date"),
          wide("Programmed", '.status.conditions[?(@.type=="Programmed")].reason', "string"),
          wide("ResolvedRefs", '.status.conditions[?(@.type=="ResolvedRefs")].reason', "string"),
          wide("Backends", ".status.readyBackends", "string"),
          wide("Routes", ".status.acceptedRoutes", "string"),
          // Without an operator nothing changes a status: then only these two tell that an edit is not in force.
          wide("Generation", ".metadata.generation", "integer"),
          wide("Observed", ".status.observedGeneration", "integer"),
        ],
        schema: { openAPIV3Schema: whole() },
      },
    ],
  },
};

/** The text of the file in `crds/`. */
export const crdFile = `# Generated from api/ by \`make generate\`; do not edit.\n${stringify(crd, {
  version: "1.1",
  lineWidth: 120,
  aliasDuplicateObjects: false,
})}`;

function whole(): Schema {
  return {
    description:
      "A WebSocketProxy is one WebSocket gateway: a data plane of its own, the routes that it serves, and the policies that hold on them. Everything that it names is in its own namespace.",
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `${GROUP}/${VERSION}.` },
      kind: { type: "string", description: `${KIND}.` },
      // A rule can name only fields that the schema has.
      metadata: {
        type: "object",
        properties: { name: { type: "string", maxLength: 253, description: "Name of the resource." } },
      },
      spec: { description: "The wanted state.", ...structural(schemaOf(spec)) },
      status: structural(schemaOf(status)),
    },
    [RULES]: [crdRule(sidecarName)],
  };
}

function column(name: string, jsonPath: string, type: string) {
  return { name, type, jsonPath };
}

/** A column of `kubectl get --output wide`. */
function wide(name: string, jsonPath: string, type: string) {
  return { ...column(name, jsonPath, type), priority: 1 };
}
