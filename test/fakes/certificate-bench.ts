import { X509Certificate } from "node:crypto";
import { record, list } from "../../api/unchecked.ts";
import { WebhookCertificates } from "../../operator/admission/certificates/webhook-certificates.ts";
import { ApiError, TOO_LONG } from "../../operator/kube/api-error.ts";
import type { Call, Caller } from "../../operator/kube/call.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { ApiStore, Refused } from "./api-server-store.ts";
import { FakeClock } from "./clock.ts";
import { recordedLog } from "./kube-bench.ts";

export const SERVICE = "operator-webhook";
export const NAMESPACE = "wsproxy-system";
export const HOST = `${SERVICE}.${NAMESPACE}.svc`;
export const SECRET = "operator-webhook";
export const CONFIGURATION = "wsproxy";
export const WEBHOOK = "inject.wsproxy.dev";
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * MINUTE;

const SECRET_PATH = pathOf(KINDS.Secret, NAMESPACE, SECRET);
const CONFIGURATION_PATH = pathOf(KINDS.MutatingWebhookConfiguration, undefined, CONFIGURATION);
/** As slow as an API server may be to read the configuration that another one wrote. */
const SLOWEST_API_SERVER = 30 * SECOND;

/** What becomes of a call instead of its answer; `answer lost`: it takes effect; `late`: it fails, and takes effect then. */
export type Fault = "lost" | "answer lost" | { readonly status: number } | { readonly late: Promise<void> };

/** One process of the operator. */
export interface Replica {
  readonly certificates: WebhookCertificates;
  readonly clock: FakeClock;
  readonly lines: string[];
  readonly abort: AbortController;
  leading: boolean;
  ended: boolean;
}

export interface ReplicaParts {
  readonly leading?: boolean;
  /** How far its wall clock is ahead; ms. */
  readonly ahead?: number;
  readonly service?: string;
  readonly source?: "operator" | "secret";
}

/** Replicas, each with a clock of its own, before one store; their calls can be made to fail. */
export class CertificateBench {
  readonly store = new ApiStore((object) => object);
  readonly replicas: Replica[] = [];
  /** Calls so far, `METHOD Kind`. */
  readonly calls: string[] = [];
  /** Decides for each call of a replica. */
  fault: (call: Call, replica: Replica) => Fault | undefined = () => undefined;
  /** Runs after each call that took effect. */
  after: (call: Call, replica: Replica) => void = () => {};
  readonly #start: number;
  #passed = 0;
  /** The bundle as it stood, and since when. */
  readonly #bundles: { readonly at: number; readonly bundle: string }[] = [];
  readonly #spans = new Map<string, Span>();

  constructor(start = Date.parse("2026-01-01T00:00:00Z")) {
    this.#start = start;
  }

  /** The true time; ms since the epoch. */
  get wall(): number {
    return this.#start + this.#passed;
  }

  /** What the chart makes. */
  install(): void {
    this.store.write(CONFIGURATION_PATH, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: CONFIGURATION, labels: { by: "helm" } },
      webhooks: [
        { name: WEBHOOK, failurePolicy: "Fail", clientConfig: { service: { name: SERVICE, namespace: NAMESPACE } } },
      ],
    });
  }

  start({ leading = false, ahead = 0, service = SERVICE, source = "operator" }: ReplicaParts = {}): Replica {
    const clock = new FakeClock(this.wall + ahead);
    const { log, lines } = recordedLog();
    const abort = new AbortController();
    const replica: Replica = {
      clock,
      lines,
      abort,
      leading,
      ended: false,
      certificates: new WebhookCertificates({
        client: this.#client(() => replica),
        clock,
        log,
        namespace: NAMESPACE,
        secret: SECRET,
        service,
        configuration: CONFIGURATION,
        source,
        leading: () => replica.leading,
      }),
    };
    this.replicas.push(replica);
    void replica.certificates.run(abort.signal).finally(() => (replica.ended = true));
    return replica;
  }

  /** Ends a process, as a crash would: what it has begun is lost. */
  kill(replica: Replica): void {
    replica.abort.abort();
    this.replicas.splice(this.replicas.indexOf(replica), 1);
  }

  /** Lets time pass in steps; `each` looks after every one, when all replicas rest. */
  async pass(ms: number, step = SECOND, each: () => void = () => {}): Promise<void> {
    await this.settle();
    each();
    for (let left = ms; left > 0; left -= step) {
      this.#passed += Math.min(step, left);
      for (const { clock } of this.replicas) clock.advance(Math.min(step, left));
      await this.settle();
      each();
    }
  }

  /** Resolves when each replica waits for nothing but its clock. */
  async settle(): Promise<void> {
    while (this.replicas.some(({ clock, ended }) => clock.pending === 0 && !ended))
      await new Promise((resolve) => setImmediate(resolve));
    const { bundle } = this;
    if (this.#bundles.at(-1)?.bundle !== bundle) this.#bundles.push({ at: this.#passed, bundle });
  }

  /** Replicas whose certificate an API server would refuse now, be it a quick or a slow one: none, or a call would fail. */
  get refused(): readonly Replica[] {
    const slow = this.#bundles.findLast(({ at }) => at <= this.#passed - SLOWEST_API_SERVER) ?? this.#bundles[0];
    return this.replicas.filter(({ certificates: { current } }) => {
      if (current === undefined) return true;
      return [this.bundle, slow?.bundle ?? ""].some((bundle) => !this.trusts(bundle, current.cert));
    });
  }

  /** Would an API server with that bundle take that certificate at this time? */
  trusts(bundle: string, cert: string): boolean {
    const key = `${cert}${bundle}`;
    const span = this.#spans.get(key) ?? spanOf(bundle, cert);
    this.#spans.set(key, span);
    return span.from <= this.wall && this.wall < span.to;
  }

  get bundle(): string {
    return decoded(record(this.webhook?.["clientConfig"])["caBundle"]);
  }

  get webhook(): Readonly<Record<string, unknown>> | undefined {
    const webhooks = list(this.store.read(CONFIGURATION_PATH)?.["webhooks"]).map(record);
    return webhooks.find(({ name }) => name === WEBHOOK);
  }

  /** Number of CAs that the API server trusts. */
  get trusted(): number {
    return authorities(this.bundle).length;
  }

  /** Decoded fields of the Secret; undefined: there is none. */
  get secret(): Readonly<Record<string, string>> | undefined {
    const secret = this.store.read(SECRET_PATH);
    const data = Object.entries(record(secret?.["data"]));
    return secret && Object.fromEntries(data.map(([name, value]) => [name, decoded(value)]));
  }

  /** Another writer changes fields of the Secret. */
  edit(fields: Readonly<Record<string, string>>): void {
    const before = this.store.read(SECRET_PATH);
    const encoded = Object.entries({ ...this.secret, ...fields }).map(([name, value]) => [
      name,
      Buffer.from(value).toString("base64"),
    ]);
    const metadata = before?.metadata ?? { name: SECRET, namespace: NAMESPACE };
    this.store.write(SECRET_PATH, {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      data: Object.fromEntries(encoded) as Record<string, string>,
    });
  }

  deleteSecret(): void {
    this.store.remove(SECRET_PATH);
  }

  /** Another writer sets the bundle. */
  setBundle(bundle: string | undefined): void {
    const configuration = this.store.read(CONFIGURATION_PATH);
    if (configuration === undefined) throw new Error("there is no webhook configuration");
    const clientConfig: Record<string, unknown> = { ...record(this.webhook?.["clientConfig"]) };
    delete clientConfig["caBundle"];
    const written = bundle === undefined ? {} : { caBundle: Buffer.from(bundle).toString("base64") };
    const webhooks = [{ ...this.webhook, clientConfig: { ...clientConfig, ...written } }];
    this.store.write(CONFIGURATION_PATH, { ...configuration, webhooks });
  }

  /** Another writer changes something that is not ours. */
  label(value: string): void {
    const configuration = this.store.read(CONFIGURATION_PATH);
    if (configuration === undefined) throw new Error("there is no webhook configuration");
    const { metadata } = configuration;
    this.store.write(CONFIGURATION_PATH, { ...configuration, metadata: { ...metadata, labels: { value } } });
  }

  deleteConfiguration(): void {
    this.store.remove(CONFIGURATION_PATH);
  }

  #client(of: () => Replica): Caller {
    return {
      request: async <T>(call: Call): Promise<T> => {
        await new Promise((resolve) => setImmediate(resolve));
        const { method = "GET", path, query = {}, contentType = "application/json", body } = call;
        const replica = of();
        const fail = (status: number, reason: string): never => {
          throw new ApiError(call, status, reason, "no answer");
        };
        if (call.signal?.aborted === true) return fail(0, "Unreachable");
        this.calls.push(`${method} ${path === CONFIGURATION_PATH ? "MutatingWebhookConfiguration" : "Secret"}`);
        const fault = this.fault(call, replica);
        if (fault === "lost") return fail(0, "Unreachable");
        if (typeof fault === "object" && "status" in fault) return fail(fault.status, "Scripted");
        const texts = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
        const arrived = { method, path, query: texts, headers: { "content-type": contentType }, body };
        if (typeof fault === "object") {
          void fault.late.then(() => this.#answer(arrived, call)).catch(() => {});
          return fail(0, "TimedOut");
        }
        const answer = this.#answer(arrived, call);
        if (JSON.stringify(answer).length > (call.most ?? Number.POSITIVE_INFINITY)) return fail(0, TOO_LONG);
        this.after(call, replica);
        if (fault === "answer lost") return fail(0, "Unreachable");
        return answer as T;
      },
    };
  }

  #answer(call: Parameters<ApiStore["answer"]>[0], original: Call): unknown {
    try {
      return this.store.answer(call);
    } catch (error) {
      if (error instanceof Refused) throw new ApiError(original, error.status, error.reason, error.message);
      throw error;
    }
  }
}

function decoded(base64: unknown): string {
  return typeof base64 === "string" ? Buffer.from(base64, "base64").toString() : "";
}

/** When a certificate is trusted; ms since the epoch. */
interface Span {
  readonly from: number;
  readonly to: number;
}

function spanOf(bundle: string, cert: string): Span {
  const leaf = new X509Certificate(cert);
  const ca = authorities(bundle).find((one) => leaf.checkIssued(one) && leaf.verify(one.publicKey));
  if (ca === undefined || leaf.checkHost(HOST, { subject: "never" }) === undefined) return { from: 0, to: 0 };
  return {
    from: Math.max(Date.parse(leaf.validFrom), Date.parse(ca.validFrom)),
    to: Math.min(Date.parse(leaf.validTo), Date.parse(ca.validTo)),
  };
}

/** The certificates of a bundle. */
export function authorities(bundle: string): readonly X509Certificate[] {
  return bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter(Boolean)
    .map((pem) => new X509Certificate(pem));
}
