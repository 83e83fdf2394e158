import type { Config } from "../../api/config.ts";
import { startSampleBackend, type SampleBackend } from "../../examples/sample-backend/server.ts";
import { PortUnavailable } from "../../runtime/admin-port/admin-server.ts";
import { newAdminToken, readAdminToken, type TokenRead } from "./admin-token.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { fileChanges } from "./file-changes.ts";
import { hostPort } from "../../runtime/host-port.ts";
import { nextSteps, routeUrl } from "./next-steps.ts";
import { ManifestApplier, type AppliedManifests } from "./manifest-applier.ts";
import { changes, conditionTable, findingLines } from "../reading/report.ts";
import { retryTimer } from "./retry-timer.ts";
import { Serving } from "./serving.ts";
import { ThreadedReader } from "../reading/threaded-reader.ts";

/** Before the listeners close, in ms: short, since no load balancer has to notice. */
const GRACE = 100;

export interface StandaloneOptions {
  readonly paths: readonly string[];
  readonly address: string;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly bufferBudget: number;
  /** undefined: `standalone` makes a new token and prints it. */
  readonly adminTokenFile: string | undefined;
  /** undefined: no sample backend is started. */
  readonly samplePort: number | undefined;
}

/** Serves what the manifests say, and what they say after each edit, until a signal stops it. Resolves with the exit code. */
export async function serveManifests(options: StandaloneOptions, io: CommandIO): Promise<number> {
  const { err } = io;
  const failed = (code: number, message: string): number => {
    err.write(`wsproxy standalone: ${message}\n`);
    return code;
  };
  const token = await adminToken(options.adminTokenFile);
  if (token.token === undefined) {
    const code = token.fault === "malformed" ? EXIT.usage : EXIT.unavailable;
    return failed(code, `--admin-token-file ${token.problem}`);
  }
  const shutdown = io.signals();
  const serving = new Serving({ ...options, grace: GRACE }, io);
  serving.useAdminToken(token.token);
  const unavailable = await serving.openAdmin();
  if (unavailable !== undefined) return failed(EXIT.unavailable, unavailable.message);

  const retry = retryTimer();
  const looks = fileChanges(options.paths, shutdown.stop, retry.due);
  await looks.next();
  const reader = new ThreadedReader(options.paths);
  const applier = new ManifestApplier((gateway) => reader.read(gateway), serving);
  let before = await applier.apply();
  retry.set(before.portMissing);
  err.write(opening(before, serving, options, token.token));
  if (firstConfig(serving) === undefined) {
    await serving.close();
    return failed(EXIT.negative, "there is nothing to serve");
  }

  const backend = await startBackend(options, serving, shutdown.now);
  if (backend instanceof PortUnavailable) {
    await serving.close();
    return failed(EXIT.unavailable, backend.message);
  }
  if (backend !== undefined) err.write(firstSteps(options, serving, before, backend));

  const stopped = serving.stopped(shutdown);
  while ((await looks.next()).done !== true) {
    const now = await applier.apply();
    retry.set(now.portMissing);
    for (const line of edits(before, now)) err.write(`${line}\n`);
    before = now;
  }
  await reader.close();
  err.write("stopping; Ctrl-C again ends everything at once\n");
  await stopped;
  await backend?.close();
  return EXIT.ok;
}

function adminToken(file: string | undefined): Promise<TokenRead> | TokenRead {
  return file === undefined ? { token: newAdminToken() } : readAdminToken(file);
}

/**
 * A function, not a variable: a variable of `serveManifests`, which runs for hours, would keep the first config in
 * memory.
 */
function firstConfig({ gateway }: Serving): Config | undefined {
  return gateway.proxies[0]?.snapshot?.config;
}

/** URL of the first route of the first proxy; empty: nothing is served. */
function gatewayUrl(serving: Serving, { address }: StandaloneOptions): string {
  const config = firstConfig(serving);
  return config === undefined ? "" : routeUrl(config, address);
}

/** The sample backend outlives the drain, so that the gateway ends the sessions, and not the backend. */
async function startBackend(
  options: StandaloneOptions,
  serving: Serving,
  signal: AbortSignal,
): Promise<SampleBackend | PortUnavailable | undefined> {
  const { samplePort: port } = options;
  if (port === undefined) return undefined;
  try {
    const gateway = gatewayUrl(serving, options);
    return await startSampleBackend({ address: "127.0.0.1", port, name: "sample-backend", gateway, signal });
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error;
    return new PortUnavailable(error.message.replace("--port", "--sample-backend-port"));
  }
}

function firstSteps(
  options: StandaloneOptions,
  serving: Serving,
  { hints }: AppliedManifests,
  { port }: SampleBackend,
): string {
  const config = firstConfig(serving);
  return config === undefined ? "" : nextSteps(config, hints, gatewayUrl(serving, options), port);
}

/** What `standalone` prints after it has read and applied everything for the first time. */
function opening(
  { report }: AppliedManifests,
  { gateway, adminPort }: Serving,
  { adminAddress }: StandaloneOptions,
  token: string,
): string {
  const table = report.proxies.length === 0 ? "" : `${conditionTable(report)}\n`;
  const problems = findingLines(report);
  const listening = gateway.proxies.map(({ name, snapshot }) => {
    const scheme = snapshot?.config.listener.tls === undefined ? "ws" : "wss";
    return `gateway  ${scheme}://${hostPort(gateway.address(name) ?? "", gateway.port(name) ?? 0)}  ${name}\n`;
  });
  return `${table}${problems === "" ? "" : `${problems}\n`}${listening.join("")}${links(adminAddress, adminPort, token)}`;
}

/** URLs of the admin port. A browser does not send what follows `#`, so the token gets into no log of a proxy. */
function links(address: string, port: number | undefined, token: string): string {
  if (port === undefined) return "";
  const admin = `http://${hostPort(address, port)}`;
  const fragment = `#token=${encodeURIComponent(token)}`;
  return `admin    ${admin}/metrics\nsessions ${admin}/sessions${fragment}\ndebug    ${admin}/debug${fragment}\n`;
}

/** What an edit changed, one line for each change. */
function edits(before: AppliedManifests, { report, changed }: AppliedManifests): string[] {
  const time = new Date().toTimeString().slice(0, 8);
  const taken = changed.map((id) => `${id}: the new config is in force`);
  return [...changes(before.report, report), ...taken].map((line) => `${time} ${line}`);
}
