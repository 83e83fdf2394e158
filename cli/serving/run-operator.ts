import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Controller } from "../../operator/controller.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { kubeConfig, NoKubeConfig, ownNamespace } from "../../operator/kube/kube-config.ts";
import type { RenderSettings } from "../../operator/render/settings.ts";
import type { SidecarSupport } from "../../operator/translate/resources.ts";
import { operatorEndpoints } from "../../operator/admin.ts";
import { adminServer, PortUnavailable, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processLog, type Level } from "../../runtime/log.ts";
import { newAdminToken } from "./admin-token.ts";
import { logFaults } from "./log-faults.ts";
import { sidecarSupport, supportIn, Webhook, type WebhookOptions } from "./webhook.ts";
import type { CommandIO } from "../line/command.ts";
import { aborted } from "../../runtime/aborted.ts";
import { EXIT } from "../line/exit-codes.ts";

export interface OperatorOptions {
  readonly image: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  /** undefined: that of the pod. */
  readonly namespace: string | undefined;
  /** undefined: all. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly monitoringNamespaces: readonly string[];
  readonly leaderElection: boolean;
  readonly adminAddress: string;
  /** 0: no admin port. */
  readonly adminPort: number;
  readonly podAdminPort: number;
  /** undefined: no webhook, and mode Sidecar is not accepted. */
  readonly webhook: WebhookOptions | undefined;
  readonly logLevel: Exclude<Level, "silent">;
  readonly kubeconfig: string | undefined;
}

const LEASE = "wsproxy-operator";

/**
 * V8 collects garbage when it has grown to this share of the memory in use; percent. By default V8 allows several times as
 * much while the machine has memory, and large objects of one tenant would fill the container.
 */
const HEAP_GROWTH = 30;
/** If other threads free buffers, the allocator keeps gaps: 35 MB of them after some minutes of large answers. */
const SWEEPING = "--no-concurrent-array-buffer-sweeping";

/** Runs the operator until a signal stops it. Resolves with the exit code. */
export async function runOperator(options: OperatorOptions, io: CommandIO): Promise<number> {
  const unavailable = (message: string): number => {
    io.err.write(`wsproxy operator: ${message}\n`);
    return EXIT.unavailable;
  };
  const config = await kubeConfig(options.kubeconfig).catch(known(NoKubeConfig));
  if (config instanceof NoKubeConfig) return unavailable(config.message);
  const namespace = options.namespace ?? (await ownNamespace());
  if (namespace === undefined) return unavailable("--namespace is missing: this is no pod that has one of its own");

  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  setFlagsFromString(SWEEPING);
  // Before anything is opened: the first process of a container ignores signals that it does not handle.
  const shutdown = io.signals();
  const log = processLog(options.logLevel);
  logFaults(io, log);
  const client = new KubeClient(config, systemClock);
  let sidecar: SidecarSupport = "TurnedOff";
  const render: RenderSettings = {
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    operatorNamespace: namespace,
    monitoringNamespaces: options.monitoringNamespaces.map((name) => ({ "kubernetes.io/metadata.name": name })),
  };
  const controller = new Controller({
    client,
    clock: systemClock,
    random: Math.random,
    newToken: newAdminToken,
    log,
    namespaces: options.watchNamespaces,
    identity: `${hostname()}_${randomBytes(4).toString("hex")}`,
    lease: options.leaderElection ? { namespace, name: LEASE } : undefined,
    render,
    sidecar: (ofProxy) => supportIn(ofProxy, namespace, sidecar),
    podAdminPort: options.podAdminPort,
  });
  const webhook = options.webhook && new Webhook({ ...options.webhook, client, controller, log, namespace, render });
  const opened = await open(controller, webhook, options).catch(known(PortUnavailable));
  if (opened instanceof PortUnavailable) {
    webhook?.close();
    return unavailable(opened.message);
  }
  const { admin, webhookPort } = opened;
  const { watchNamespaces } = options;
  log.info(
    { namespace, watchNamespaces, adminAddress: admin?.address, adminPort: admin?.port, webhookPort },
    "operator started",
  );

  // Timers alone do not keep the process alive, and an API server that is away leaves nothing else.
  const alive = setInterval(() => {}, 60_000);
  const work = async (): Promise<void> => {
    if (webhook === undefined) return controller.run(shutdown.stop);
    const served = new AbortController();
    const serving = webhook.run(shutdown.stop).then(() => served.abort());
    // Before the first pass: it decides what is accepted.
    sidecar = await sidecarSupport(client, log, shutdown.stop);
    await Promise.all([controller.run(shutdown.stop, served.signal), serving]);
  };
  await Promise.race([work(), aborted(shutdown.now)]);
  clearInterval(alive);
  log.info({}, "stopped");
  webhook?.close();
  client.close();
  await admin?.close();
  await log.flush();
  return EXIT.ok;
}

interface Opened {
  readonly admin: AdminServer | undefined;
  readonly webhookPort: number | undefined;
}

/** Opens the ports; rejects with PortUnavailable. */
async function open(
  controller: Controller,
  webhook: Webhook | undefined,
  { adminAddress, adminPort }: OperatorOptions,
): Promise<Opened> {
  const webhookPort = await webhook?.open();
  const endpoints = operatorEndpoints(controller, systemClock, () => webhook?.usable ?? true);
  const admin = adminPort === 0 ? undefined : await adminServer(endpoints, adminAddress, adminPort);
  return { admin, webhookPort };
}

/** An error of that class as a value; any other is thrown on. */
function known<E extends Error>(type: new (...args: never[]) => E): (error: unknown) => E {
  return (error) => {
    if (error instanceof type) return error;
    throw error;
  };
}
