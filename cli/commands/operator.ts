import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";
import type { OperatorOptions } from "../serving/run-operator.ts";

/** `wsproxy operator`: brings up, in a cluster, what its WebSocketProxies ask for. */
export const operator: Command = {
  synopsis: "--dataplane-image IMAGE [options]",
  about: `The operator: for each WebSocketProxy of the cluster it keeps a data plane running, whose config reaches the pods
within seconds, and says in its status how far that is. It uses the ServiceAccount of its pod, or --kubeconfig.
Of several, the one that holds the Lease wsproxy-operator works, the others wait with everything read. /readyz on the
admin port says 200 when it could work. SIGTERM: the pass under way ends, the Lease is given back; a second signal ends
everything at once. Data planes serve on without it.`,
  options: {
    "dataplane-image": { value: "IMAGE", help: "image of the data plane pods" },
    "dataplane-image-pull-policy": {
      value: "POLICY",
      default: "IfNotPresent",
      help: "when nodes pull it: Always, IfNotPresent or Never",
    },
    namespace: { value: "NAME", help: "namespace of the operator itself; default: that of its pod" },
    "watch-namespaces": { value: "NAME,…", help: "serve WebSocketProxies of these namespaces only; default: all" },
    "monitoring-namespaces": { value: "NAME,…", help: "namespaces whose pods may scrape data planes" },
    "leader-election": {
      value: "true|false",
      default: "true",
      help: "false: no other operator runs, and no Lease is used",
    },
    "admin-address": { value: "ADDRESS", default: "::", help: "address of the admin port; :: is every one, IPv4 too" },
    "admin-port": { value: "PORT", default: "9090", help: "port for /metrics, /healthz, /readyz; 0: none" },
    "dataplane-admin-port": { value: "PORT", default: "9090", help: "port on which pods are asked what they serve" },
    "log-level": { value: "LEVEL", default: "info", help: "debug, info, warn or error" },
    kubeconfig: { value: "FILE", help: "how to reach the API server from outside of the cluster" },
  },
  async run(args, surroundings) {
    const options = optionsOf(args);
    const { runOperator } = await import("../serving/run-operator.ts");
    return runOperator(options, surroundings);
  },
};

function optionsOf(args: Arguments): OperatorOptions {
  const admin = args.place("admin-address", "admin-port");
  return {
    image: args.text("dataplane-image"),
    imagePullPolicy: args.word("dataplane-image-pull-policy", ["Always", "IfNotPresent", "Never"]),
    namespace: args.flag("namespace") ? namespace("namespace", args.text("namespace")) : undefined,
    watchNamespaces: namespaces(args, "watch-namespaces"),
    monitoringNamespaces: namespaces(args, "monitoring-namespaces") ?? [],
    leaderElection: args.word("leader-election", ["true", "false"]) === "true",
    adminAddress: admin.address,
    adminPort: admin.port,
    podAdminPort: args.port("dataplane-admin-port"),
    logLevel: args.word("log-level", ["debug", "info", "warn", "error"]),
    kubeconfig: args.optional("kubeconfig"),
  };
}

function namespaces(args: Arguments, option: string): readonly string[] | undefined {
  if (!args.flag(option)) return undefined;
  return [
    ...new Set(
      args
        .text(option)
        .split(",")
        .map((name) => namespace(option, name.trim())),
    ),
  ];
}

function namespace(option: string, name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`--${option} ${JSON.stringify(name)} cannot be the name of a namespace`);
}
