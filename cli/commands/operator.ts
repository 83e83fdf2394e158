import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";
import type { OperatorOptions } from "../serving/run-operator.ts";

/** `wsproxy operator`: keeps a data plane running for each WebSocketProxy of a cluster. */
export const operator: Command = {
  synopsis: "--dataplane-image IMAGE [options]",
  about: `The operator: for each WebSocketProxy of the cluster it keeps a data plane running, brings its config to the pods within
about a second, and writes the progress into the status. It uses the ServiceAccount of its pod, or --kubeconfig.
Of several operators, the one that holds the Lease wsproxy-operator works; the others have read everything and wait.
/readyz on the admin port answers 200 once everything is read and the webhook has its certificate. With --webhook-port the
operator serves the webhook that puts the gateway into pods (mode Sidecar); each operator does, not only the one that works.
SIGTERM: the pass under way ends, the operator gives the Lease back, and serves the webhook for 5 s more; a second signal
ends everything at once. Data planes go on serving without an operator.`,
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
    "webhook-address": { value: "ADDRESS", default: "::", help: "address of the webhook's port" },
    "webhook-port": { value: "PORT", default: "0", help: "HTTPS port of the webhook; 0: none, and no mode Sidecar" },
    "webhook-service": {
      value: "NAME",
      help: "its Service, in the operator's namespace; the certificate has its name",
    },
    "webhook-configuration": { value: "NAME", help: "its MutatingWebhookConfiguration, which gets the caBundle" },
    "webhook-secret": { value: "NAME", help: "Secret with its certificate and key, in the operator's namespace" },
    "webhook-certificates": {
      value: "WRITER",
      default: "operator",
      help: "operator, or secret: another controller writes Secret and caBundle",
    },
    "log-level": { value: "LEVEL", default: "info", help: "debug, info, warn or error" },
    kubeconfig: { value: "FILE", help: "how to reach the API server from outside of the cluster" },
  },
  async run(args, io) {
    const options = optionsOf(args);
    const { runOperator } = await import("../serving/run-operator.ts");
    return runOperator(options, io);
  },
};

function optionsOf(args: Arguments): OperatorOptions {
  const admin = args.addressAndPort("admin-address", "admin-port");
  return {
    image: args.text("dataplane-image"),
    imagePullPolicy: args.oneOf("dataplane-image-pull-policy", ["Always", "IfNotPresent", "Never"]),
    namespace: args.flag("namespace") ? namespace("namespace", args.text("namespace")) : undefined,
    watchNamespaces: namespaces(args, "watch-namespaces"),
    monitoringNamespaces: namespaces(args, "monitoring-namespaces") ?? [],
    leaderElection: args.oneOf("leader-election", ["true", "false"]) === "true",
    adminAddress: admin.address,
    adminPort: admin.port,
    podAdminPort: args.port("dataplane-admin-port"),
    webhook: webhookOf(args),
    logLevel: args.oneOf("log-level", ["debug", "info", "warn", "error"]),
    kubeconfig: args.optional("kubeconfig"),
  };
}

function webhookOf(args: Arguments): OperatorOptions["webhook"] {
  const { address, port } = args.addressAndPort("webhook-address", "webhook-port");
  const certificates = args.oneOf("webhook-certificates", ["operator", "secret"]);
  if (port === 0) return undefined;
  return {
    address,
    port,
    certificates,
    service: objectName(args, "webhook-service"),
    configuration: objectName(args, "webhook-configuration"),
    secret: objectName(args, "webhook-secret"),
  };
}

function objectName(args: Arguments, option: string): string {
  const name = args.text(option);
  if (name.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`--${option} ${JSON.stringify(name)} cannot be the name of an object`);
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
