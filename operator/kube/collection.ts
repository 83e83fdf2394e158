import { ApiError } from "./api-error.ts";
import type { Call, Caller } from "./client.ts";
import { pathOf, type Kind, type KubeObject } from "./kinds.ts";

/** Objects of one kind that are looked at together. */
export interface Collection {
  readonly kind: Kind;
  /** undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Only metadata is fetched: for kinds whose data is nobody's business until it is referred to. */
  readonly metadataOnly?: boolean | undefined;
}

/** Everything in a collection at one moment. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

const PAGE = 500;

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** null, as metadata only, where there is nothing. */
  readonly items: readonly T[] | null;
}

/** Reads a collection, page by page. */
export async function list<T extends KubeObject>(
  client: Caller,
  collection: Collection,
  signal: AbortSignal,
): Promise<Listing<T>> {
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const call = callFor(collection, "PartialObjectMetadataList", { limit: PAGE, continue: token });
    const page = await client.request<unknown>({ ...call, signal });
    if (!isPage<T>(page)) throw new ApiError(call, 0, "Unreadable", "the answer is no list");
    for (const item of page.items ?? []) items.push(kept(item, collection.kind));
    token = page.metadata.continue;
    if (token === undefined || token === "") return { items, resourceVersion: page.metadata.resourceVersion };
  }
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
