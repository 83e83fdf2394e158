import { isDeepStrictEqual } from "node:util";
import { isRecord, list, record } from "../../api/unchecked.ts";
import { kindOf, pathOf } from "../../operator/kube/kinds.ts";
import type { ApiCall } from "./api-call.ts";
import { appliedReplicas } from "./deployment-replicas.ts";

/** A Kubernetes object in the store of the fake. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** One step of the history. */
export interface Change {
  readonly version: number;
  readonly before: ApiObject | undefined;
  readonly after: ApiObject | undefined;
}

/** The parts of a path of the API. */
export interface ApiPath {
  /** `/api/v1`, `/apis/apps/v1`. */
  readonly root: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** What the fake refuses. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    super(`the fake refuses: ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

export function parsePath(path: string): ApiPath {
  const [, root, namespace, plural, name, subresource] = PATH.exec(path) ?? [];
  if (root === undefined || plural === undefined) throw new Refused(404, "NotFound");
  return { root, namespace, plural, name, subresource };
}

/** Objects by path, with one counter of versions and the whole history. */
export class ApiStore {
  /** Watches from before this version are refused. */
  oldest = 0;
  version = 1000;
  readonly #objects = new Map<string, ApiObject>();
  readonly #history: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #admit: (object: ApiObject) => ApiObject;
  #made = 0;

  constructor(admit: (object: ApiObject) => ApiObject) {
    this.#admit = admit;
  }

  /** Forgets the history up to now, as etcd does every five minutes. */
  compact(): void {
    this.version += 1;
    this.oldest = this.version;
  }

  since(version: number): readonly Change[] {
    return this.#history.filter((change) => change.version > version);
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  read(path: string): ApiObject | undefined {
    return this.#objects.get(path);
  }

  /** All objects, in the order of their creation. */
  all(): readonly ApiObject[] {
    return [...this.#objects.values()];
  }

  /** Creates or replaces an object. A write without a change makes no new version. */
  write(path: string, wanted: ApiObject): ApiObject {
    const before = this.#objects.get(path);
    this.#made += before === undefined ? 1 : 0;
    const { generation = 0, resourceVersion, uid = `uid-${this.#made}` } = before?.metadata ?? {};
    const admitted = this.#admit(wanted);
    const metadata = { creationTimestamp: "2026-01-01T00:00:00Z", ...admitted.metadata, uid };
    const same = { ...admitted, metadata: { ...metadata, generation, resourceVersion } };
    if (before !== undefined && isDeepStrictEqual(same, before)) return before;
    const changed = before === undefined || !isDeepStrictEqual(specOf(before), specOf(admitted));
    const after: ApiObject = {
      ...admitted,
      metadata: { ...metadata, generation: generation + (changed ? 1 : 0), resourceVersion: String(this.version + 1) },
    };
    this.#objects.set(path, after);
    this.#step(before, after);
    return after;
  }

  remove(path: string): ApiObject {
    const before = this.#objects.get(path);
    if (before === undefined) throw new Refused(404, "NotFound");
    this.#objects.delete(path);
    this.#step(before, undefined);
    return before;
  }

  /** Executes a call; returns the body of the answer, or throws Refused. */
  answer(call: ApiCall): unknown {
    const target = parsePath(call.path);
    const path = target.subresource === undefined ? call.path : call.path.slice(0, -target.subresource.length - 1);
    const before = this.#objects.get(path);
    const body = call.body as ApiObject;
    switch (call.method) {
      case "GET":
        if (target.name === undefined) return this.#list(target, call);
        if (before === undefined) throw new Refused(404, "NotFound");
        return shown(before, call);
      case "POST": {
        const name = body.metadata.name ?? `${String(body.metadata["generateName"])}${this.version}`;
        if (this.#objects.has(`${path}/${name}`)) throw new Refused(409, "AlreadyExists");
        return this.write(`${path}/${name}`, { ...body, metadata: { ...body.metadata, name } });
      }
      case "PUT": {
        if (before === undefined) throw new Refused(404, "NotFound");
        const { resourceVersion = before.metadata.resourceVersion } = body.metadata;
        if (resourceVersion !== before.metadata.resourceVersion) throw new Refused(409, "Conflict");
        return this.write(path, body);
      }
      case "PATCH":
        return this.#patch(path, target, call, before, body);
      case "DELETE": {
        const { uid } = (call.body as { preconditions?: { uid?: string } } | undefined)?.preconditions ?? {};
        if (uid !== undefined && before !== undefined && uid !== before.metadata.uid)
          throw new Refused(409, "Conflict");
        return this.remove(path);
      }
      default:
        throw new Refused(405, "MethodNotAllowed");
    }
  }

  /**
   * Apply replaces the top-level fields that the manifest names, and adds its labels and annotations; annotations of ours that
   * it no longer names go. Webhooks are merged by name. Only the number of pods of a Deployment has owners. A merge patch is
   * merged.
   */
  #patch(
    path: string,
    target: ApiPath,
    { headers, query }: ApiCall,
    before: ApiObject | undefined,
    body: ApiObject,
  ): ApiObject {
    const apply = headers["content-type"] === "application/apply-patch+yaml";
    if (before === undefined && (!apply || target.subresource !== undefined)) throw new Refused(404, "NotFound");
    const known = before ?? { apiVersion: body.apiVersion, kind: body.kind, metadata: body.metadata };
    const { uid, resourceVersion } = body.metadata;
    if (uid !== undefined && uid !== before?.metadata.uid) throw new Refused(409, "Conflict");
    if (resourceVersion !== undefined && resourceVersion !== before?.metadata.resourceVersion)
      throw new Refused(409, "Conflict");
    const { metadata, status, ...named } = body;
    if (target.subresource === "status") return this.write(path, { ...known, status });
    if (!apply) return this.write(path, merged(known, body) as ApiObject);
    if (target.plural === "deployments") {
      const scaled = appliedReplicas(before, body, query["fieldManager"] ?? "", query["force"] === "true");
      if (scaled === undefined) throw new Refused(409, "Conflict");
      const { spec, managedFields } = scaled;
      const own = merged(known.metadata, metadata) as ApiObject["metadata"];
      return this.write(path, { ...known, ...named, spec, metadata: { ...own, managedFields } });
    }
    const others = { ...known.metadata, annotations: ofOthers(known) };
    return this.write(path, {
      ...known,
      ...named,
      ...(Array.isArray(named["webhooks"]) ? { webhooks: mergedByName(known["webhooks"], named["webhooks"]) } : {}),
      metadata: merged(others, metadata) as ApiObject["metadata"],
    });
  }

  #list(target: ApiPath, call: ApiCall): unknown {
    const all = [...this.#objects]
      .filter(([, object]) => isIn(target, call.query, object))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const [resourceVersion = String(this.version), start = ""] = (call.query["continue"] ?? "")
      .split("|")
      .filter(Boolean);
    const rest = all.filter(([path]) => path > start);
    const page = rest.slice(0, Number(call.query["limit"] ?? rest.length));
    const more = page.length < rest.length ? { continue: `${resourceVersion}|${page.at(-1)?.[0]}` } : {};
    return {
      kind: "List",
      metadata: { resourceVersion, ...more },
      // As in the real API server: an empty list of metadata has `items: null`.
      items: page.length === 0 && metadataOnly(call) ? null : page.map(([, object]) => inList(shown(object, call))),
    };
  }

  #step(before: ApiObject | undefined, after: ApiObject | undefined): void {
    this.version += 1;
    const change = { version: this.version, before, after };
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

/** Is the object in a collection, under the selectors of a call (`a=b,c`, and by name, only)? */
export function isIn(target: ApiPath, query: ApiCall["query"], { kind, metadata }: ApiObject): boolean {
  const terms = (query["labelSelector"] ?? "").split(",").filter(Boolean);
  return (
    `${target.root}/${target.plural}` === pathOf(kindOf(kind)) &&
    (target.namespace === undefined || target.namespace === metadata.namespace) &&
    (query["fieldSelector"] === undefined || query["fieldSelector"] === `metadata.name=${metadata.name}`) &&
    terms.every((term) => {
      const [label = "", value] = term.split("=");
      const has = metadata.labels?.[label];
      return value === undefined ? has !== undefined : has === value;
    })
  );
}

/** The object as the call wants it: only metadata if its Accept header says so. */
export function shown(object: ApiObject, call: ApiCall): ApiObject {
  if (!metadataOnly(call)) return object;
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function metadataOnly({ headers }: ApiCall): boolean {
  return headers.accept?.includes("as=PartialObjectMetadata") === true;
}

/** Objects in a list have no kind. */
function inList({ kind: _kind, apiVersion: _apiVersion, ...rest }: ApiObject): object {
  return rest;
}

function ofOthers({ metadata: { annotations = {} } }: ApiObject): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.startsWith("wsproxy.dev/")));
}

function specOf({ metadata: _metadata, status: _status, ...rest }: ApiObject): object {
  return rest;
}

function merged(into: unknown, from: unknown): unknown {
  if (!isRecord(into) || !isRecord(from)) return from;
  const result: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    if (value === null) delete result[key];
    else result[key] = merged(into[key], value);
  }
  return result;
}

/** A list that is a map by name: entries and fields that the manifest does not name stay. */
function mergedByName(into: unknown, from: readonly unknown[]): readonly unknown[] {
  const known = list(into).map(record);
  const named = from.map(record);
  const isNamed = (one: Readonly<Record<string, unknown>>): boolean => named.some(({ name }) => name === one["name"]);
  return [
    ...known.filter((one) => !isNamed(one)),
    ...named.map((one) =>
      merged(
        known.find(({ name }) => name === one["name"]),
        one,
      ),
    ),
  ];
}
