/** The parts of a pod template that the check reads. */
export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly hostIPC?: boolean;
    readonly securityContext?: SecurityContext & { readonly sysctls?: readonly { readonly name: string }[] };
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly ephemeralContainers?: readonly Container[];
  };
}

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly securityContext?: SecurityContext;
}

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
  readonly seLinuxOptions?: unknown;
  readonly procMount?: string;
}

const VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];
const SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
];
const PROFILES = ["RuntimeDefault", "Localhost"];

/** Violations of the Pod Security Standard *restricted*; empty: the pod is admitted. */
export function restrictedViolations({ spec }: PodTemplate): string[] {
  const pod = spec.securityContext ?? {};
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const violations: string[] = [];
  const forbid = (what: string, violated: boolean): void => void (violated && violations.push(what));
  forbid("host namespaces", [spec.hostNetwork, spec.hostPID, spec.hostIPC].includes(true));
  for (const volume of spec.volumes ?? []) {
    const type = Object.keys(volume).find((key) => key !== "name") ?? "";
    forbid(`volume of type ${type}`, !VOLUMES.includes(type));
  }
  for (const { name } of pod.sysctls ?? []) forbid(`sysctl ${name}`, !SYSCTLS.includes(name));
  for (const { name, ports = [], securityContext: own = {} } of containers) {
    forbid(
      `${name}: host ports`,
      ports.some(({ hostPort = 0 }) => hostPort !== 0),
    );
    forbid(`${name}: may run as root`, (own.runAsNonRoot ?? pod.runAsNonRoot) !== true);
    forbid(`${name}: runs as root`, (own.runAsUser ?? pod.runAsUser) === 0);
    forbid(`${name}: privileged`, own.privileged === true);
    forbid(`${name}: privilege escalation`, own.allowPrivilegeEscalation !== false);
    forbid(`${name}: keeps capabilities`, own.capabilities?.drop?.includes("ALL") !== true);
    forbid(
      `${name}: adds capabilities`,
      (own.capabilities?.add ?? []).some((it) => it !== "NET_BIND_SERVICE"),
    );
    forbid(`${name}: seccomp`, !PROFILES.includes((own.seccompProfile ?? pod.seccompProfile)?.type ?? ""));
    forbid(`${name}: SELinux`, (own.seLinuxOptions ?? pod.seLinuxOptions) !== undefined);
    forbid(`${name}: procMount`, (own.procMount ?? "Default") !== "Default");
  }
  return violations;
}
