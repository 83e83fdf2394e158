import { TooLong } from "./answer-body.ts";
import { ApiError, isTooLong } from "./api-error.ts";
import type { Call, Caller } from "./call.ts";
import { LARGEST_OBJECT } from "./client.ts";
import { pathOf, type Kind, type KubeObject } from "./kinds.ts";

/** Objects of one kind that are looked at together. */
export interface Collection {
  readonly kind: Kind;
  /** undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Only metadata is fetched: for kinds whose data is nobody's business until it is referred to. */
  readonly metadataOnly?: boolean | undefined;
  /** What is kept of an object; default: all but what is large and of no use to us. */
  readonly keep?: ((object: KubeObject) => KubeObject) | undefined;
}

/** Everything in a collection at one moment. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** Objects of a page, and bytes: where objects are large, pages have fewer of them. */
const PAGE = 500;
const PAGE_BYTES = 1024 * 1024;

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** null, as metadata only, where there is nothing. */
  readonly items: readonly T[] | null;
}

/** Reads a collection, page by page; of each page only what is kept outlives it. */
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
    for (const item of page.items ?? []) items.push(keptOf(item, collection));
    token = page.metadata.continue;
    if (token === undefined || token === "") return { items, resourceVersion: page.metadata.resourceVersion };
    limit = Math.min(PAGE, limit + Math.ceil(limit / 4));
  }
}

/** undefined: so many objects are too long for one page. */
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

/** A page whose one object is too long to be read: where the next one begins stands before it. */
function emptyPage(error: ApiError): Page<never> {
  const [start = ""] = error.cause instanceof TooLong ? error.cause.start.split('"items":') : [];
  const field = (name: string): string | undefined => new RegExp(`"${name}":"([^"\\\\]*)"`).exec(start)?.[1];
  const [resourceVersion, next] = [field("resourceVersion"), field("continue")];
  if (resourceVersion === undefined) throw error;
  return { metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) }, items: [] };
}

/** The call that watches a collection from a version on; the server ends it after `seconds`. */
export function watchCall(collection: Collection, resourceVersion: string, seconds: number): Call {
  return callFor(collection, "PartialObjectMetadata", {
    watch: true,
    resourceVersion,
    allowWatchBookmarks: true,
    timeoutSeconds: seconds,
  });
}

/** An object of a collection as it is kept. */
export function keptOf<T extends KubeObject>(object: T, { kind, keep }: Collection): T {
  const whole = kept(object, kind);
  return keep === undefined ? whole : (keep(whole) as T);
}

/** kubectl keeps the whole object in it, so that even metadata could hold a Secret's data. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** An object as we keep it: with its kind, without the parts of its metadata that are large and of no use to us. */
export function kept<T extends KubeObject>(object: T, { apiVersion, kind }: Kind): T {
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
