import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Controller } from "../../operator/controller.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { kubeConfig, NoKubeConfig, ownNamespace } from "../../operator/kube/kube-config.ts";
import { operatorEndpoints } from "../../operator/admin.ts";
import { adminServer, PortUnavailable, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { processLog, type Level } from "../../runtime/log.ts";
import { newAdminToken } from "./admin-token.ts";
import { logFaults } from "./log-faults.ts";
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
  const controller = new Controller({
    client,
    clock: systemClock,
    random: Math.random,
    newToken: newAdminToken,
    log,
    namespaces: options.watchNamespaces,
    identity: `${hostname()}_${randomBytes(4).toString("hex")}`,
    lease: options.leaderElection ? { namespace, name: LEASE } : undefined,
    render: {
      image: options.image,
      imagePullPolicy: options.imagePullPolicy,
      operatorNamespace: namespace,
      monitoringNamespaces: options.monitoringNamespaces.map((name) => ({ "kubernetes.io/metadata.name": name })),
    },
    sidecar: "TurnedOff",
    podAdminPort: options.podAdminPort,
  });
  const admin = await openAdmin(controller, options).catch(known(PortUnavailable));
  if (admin instanceof PortUnavailable) return unavailable(admin.message);
  const { watchNamespaces } = options;
  log.info({ namespace, watchNamespaces, adminAddress: admin?.address, adminPort: admin?.port }, "operator started");

  // Timers alone do not keep the process alive, and an API server that is away leaves nothing else.
  const alive = setInterval(() => {}, 60_000);
  await Promise.race([controller.run(shutdown.stop), aborted(shutdown.now)]);
  clearInterval(alive);
  log.info({}, "stopped");
  client.close();
  await admin?.close();
  await log.flush();
  return EXIT.ok;
}

async function openAdmin(
  controller: Controller,
  { adminAddress, adminPort }: OperatorOptions,
): Promise<AdminServer | undefined> {
  return adminPort === 0 ? undefined : adminServer(operatorEndpoints(controller, systemClock), adminAddress, adminPort);
}

/** An error of that class as a value; any other is thrown on. */
function known<E extends Error>(type: new (...args: never[]) => E): (error: unknown) => E {
  return (error) => {
    if (error instanceof type) return error;
    throw error;
  };
}
