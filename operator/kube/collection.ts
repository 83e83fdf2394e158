import { TooLong } from "./answer-body.ts";
import { ApiError, isTooLong } from "./api-error.ts";
import type { Call, Caller } from "./call.ts";
import { LARGEST_OBJECT } from "./client.ts";
import { pathOf, type Kind, type KubeObject } from "./kinds.ts";

/** Objects of one kind that are listed and watched together. */
export interface Collection {
  readonly kind: Kind;
  /** undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Fetch only metadata: for kinds with data that the operator reads only when a proxy refers to it. */
  readonly metadataOnly?: boolean | undefined;
  /** What is retained of an object; default: what `stripped` leaves. */
  readonly retain?: ((object: KubeObject) => KubeObject) | undefined;
}

/** All objects of a collection, as they were at one version of it. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** Most objects of a page, and most characters: a page of large objects has fewer of them. */
const PAGE = 500;
const PAGE_BYTES = 1024 * 1024;

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** null: a list of metadata only that is empty. */
  readonly items: readonly T[] | null;
}

/** Reads a collection page by page. Of each page only what is retained of its objects stays in memory. */
export async function list<T extends KubeObject>(
  client: Caller,
  collection: Collection,
  signal: AbortSignal,
): Promise<Listing<T>> {
  const items: T[] = [];
  let token: string | undefined;
  let limit = PAGE;
  for (;;) {
    const page = await pageOf<T>(client, collection, limit, token, signal);
    if (page === undefined) {
      limit = Math.ceil(limit / 8);
      continue;
    }
    for (const item of page.items ?? []) items.push(retainedOf(item, collection));
    token = page.metadata.continue;
    if (token === undefined || token === "") return { items, resourceVersion: page.metadata.resourceVersion };
    limit = Math.min(PAGE, limit + Math.ceil(limit / 4));
  }
}

/** One page; undefined: its `limit` objects are too long for a page. */
async function pageOf<T extends KubeObject>(
  client: Caller,
  collection: Collection,
  limit: number,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Page<T> | undefined> {
  const call = callFor(collection, "PartialObjectMetadataList", { limit, continue: token });
  try {
    const page = await client.request<unknown>({ ...call, most: limit === 1 ? LARGEST_OBJECT : PAGE_BYTES, signal });
    if (!isPage<T>(page)) throw new ApiError(call, 0, "Unreadable", "the answer is no list");
    return page;
  } catch (error) {
    if (!isTooLong(error)) throw error;
    return limit > 1 ? undefined : emptyPage(error);
  }
}

/** In place of a page with one object that is too long: the token of the next page stands before the object. */
function emptyPage(error: ApiError): Page<never> {
  const [start = ""] = error.cause instanceof TooLong ? error.cause.start.split('"items":') : [];
  const field = (name: string): string | undefined => new RegExp(`"${name}":"([^"\\\\]*)"`).exec(start)?.[1];
  const [resourceVersion, next] = [field("resourceVersion"), field("continue")];
  if (resourceVersion === undefined) throw error;
  return { metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) }, items: [] };
}

/** The call that watches a collection from a version on; the server ends the watch after `seconds`. */
export function watchCall(collection: Collection, resourceVersion: string, seconds: number): Call {
  return callFor(collection, "PartialObjectMetadata", {
    watch: true,
    resourceVersion,
    allowWatchBookmarks: true,
    timeoutSeconds: seconds,
  });
}

/** What a collection retains of an object. */
export function retainedOf<T extends KubeObject>(object: T, { kind, retain }: Collection): T {
  const whole = stripped(object, kind);
  return retain === undefined ? whole : (retain(whole) as T);
}

/** kubectl writes the whole object into this annotation, so the metadata of a Secret could hold its data. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The object with its kind, and without managedFields and LAST_APPLIED, which are large and of no use to us. */
export function stripped<T extends KubeObject>(object: T, { apiVersion, kind }: Kind): T {
  const { annotations } = object.metadata;
  const metadata = without(object.metadata, "managedFields") as T["metadata"];
  if (annotations?.[LAST_APPLIED] === undefined) return { ...object, apiVersion, kind, metadata };
  return { ...object, apiVersion, kind, metadata: { ...metadata, annotations: without(annotations, LAST_APPLIED) } };
}

function without(record: object, name: string): object {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

function callFor({ kind, namespace, labelSelector, metadataOnly }: Collection, as: string, query: Call["query"]): Call {
  return {
    path: pathOf(kind, namespace),
    query: { ...query, labelSelector },
    ...(metadataOnly === true ? { accept: `application/json;as=${as};g=meta.k8s.io;v=v1` } : {}),
  };
}

function isPage<T>(answer: unknown): answer is Page<T> {
  const { items, metadata } = (answer ?? {}) as {
    readonly items?: unknown;
    readonly metadata?: Record<string, unknown>;
  };
  return (items === null || Array.isArray(items)) && typeof metadata?.["resourceVersion"] === "string";
}
