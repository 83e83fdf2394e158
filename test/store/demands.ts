import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Authority } from "../fakes/certificates.ts";

/** A certificate of a store with its key, and the authority that clients trust. */
export interface StoreTls {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** The name in the certificate. */
  readonly serverName: string;
}

/** What a store demands of its clients. */
export interface StoreDemands {
  /** Absent: plain TCP. */
  readonly tls?: StoreTls;
  /** Of the user `default`, which may do everything. */
  readonly password?: string;
  /** More users, each as `ACL SETUSER` takes it: `gateway on >secret ~{demo/chat}:* resetchannels -@all +ping`. */
  readonly users?: readonly string[];
}

/** A certificate for a store; without an authority, of one that nothing else knows. */
export async function storeTls(authority?: Authority, serverName = "store.test"): Promise<StoreTls> {
  const issuer = authority ?? (await Authority.create("Store CA"));
  const pair = await issuer.issue({ names: [serverName], addresses: ["127.0.0.1"] });
  return { ...pair, ca: issuer.ca, serverName };
}

/** Arguments of the server's command line with which it demands this; the files are in `folder`. */
export function demandedBy({ tls, password, users = [] }: StoreDemands, port: number, folder: string): string[] {
  const file = filesIn(folder);
  return [
    ...(tls === undefined
      ? ["--port", String(port)]
      : [
          ...["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"],
          ...["--tls-cert-file", file.certificate, "--tls-key-file", file.privateKey, "--tls-ca-cert-file", file.ca],
          ...["--tls-replication", "yes", "--tls-cluster", "yes"],
        ]),
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
    ...users.flatMap((user) => ["--user", ...user.split(" ")]),
  ];
}

/** Writes what `demandedBy` names. */
export async function writeDemands({ tls }: StoreDemands, folder: string): Promise<void> {
  if (tls === undefined) return;
  const file = filesIn(folder);
  await Promise.all([
    writeFile(file.certificate, tls.certificate),
    writeFile(file.privateKey, tls.privateKey, { mode: 0o600 }),
    writeFile(file.ca, tls.ca),
  ]);
}

export function filesIn(folder: string): {
  readonly certificate: string;
  readonly privateKey: string;
  readonly ca: string;
} {
  return { certificate: join(folder, "tls.crt"), privateKey: join(folder, "tls.key"), ca: join(folder, "ca.crt") };
}
