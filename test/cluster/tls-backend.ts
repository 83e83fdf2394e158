import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Authority } from "../fakes/certificates.ts";
import { ours, sampleBackend, tlsSecret } from "./workloads.ts";

const PORT = 9443;
const PROGRAM = { folder: "/program", file: "tls-front.mts" };
const CERTIFICATE = "/certificate";

/** A sample backend behind TLS: ports `https`, and `mutual` for those with a certificate of the same authority. */
export async function tlsBackend(name: string, host: string, authority: Authority): Promise<object[]> {
  const [deployment, service] = sampleBackend(name, 1);
  const pod = deployment.spec?.template.spec;
  if (pod === undefined || service.spec === undefined) throw new Error("the sample backend has no pods");
  pod.containers.push({
    ...ours("tls", PORT, `${PROGRAM.folder}/${PROGRAM.file}`, CERTIFICATE, String(PORT), "9000"),
    command: ["node"],
    ports: [
      { name: "https", containerPort: PORT },
      { name: "mutual", containerPort: PORT + 1 },
    ],
    readinessProbe: { tcpSocket: { port: "mutual" }, periodSeconds: 1 },
    volumeMounts: [
      { name: "program", mountPath: PROGRAM.folder, readOnly: true },
      { name: "certificate", mountPath: CERTIFICATE, readOnly: true },
    ],
  });
  pod.volumes = [
    { name: "program", configMap: { name } },
    {
      name: "certificate",
      projected: { sources: [{ secret: { name } }, { configMap: { name: `${name}-authority` } }] },
    },
  ];
  service.spec.ports = ["https", "mutual"].map((port, index) => ({
    name: port,
    port: PORT + index,
    targetPort: port,
  }));
  const program = await readFile(join(import.meta.dirname, "tls-front-main.ts"), "utf8");
  return [
    tlsSecret(name, await authority.issue({ names: [host] })),
    configMap(`${name}-authority`, { "ca.crt": authority.ca }),
    configMap(name, { [PROGRAM.file]: program }),
    deployment,
    service,
  ];
}

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}
