import { API_VERSION, KIND } from "../../api/meta.ts";
import { list, record } from "../../api/unchecked.ts";
import { ApiError } from "../../operator/kube/api-error.ts";
import { apply, type Applicable } from "../../operator/kube/apply.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { oneLine } from "../connect/terminal-text.ts";
import { clusterFailure } from "../live/cluster/cluster-failures.ts";
import type { ClusterTarget } from "../live/cluster/cluster-target.ts";
import { LiveFailure } from "../live/live-failure.ts";
import type { Target } from "../live/target.ts";
import { ownEntries } from "./own-entries.ts";

/** The field manager of the entries that kick adds. */
export const KICK_MANAGER = "wsproxy-kick";

/** Tries where another writer changes the object at the same time. */
const TRIES = 5;

export function isCluster(target: Target): target is ClusterTarget {
  return "namespace" in target;
}

type ProxyObject = KubeObject & { readonly spec?: unknown };

/**
 * Adds the client to deny.clients in spec.policies, and in each route that has a deny of its own, which replaces that of
 * spec.policies. Resolves with what was done, in a sentence. Rejects with LiveFailure.
 */
export async function denyClient(target: ClusterTarget, client: string, signal: AbortSignal): Promise<string> {
  const { namespace, proxy } = target;
  const right = { verbs: ["get", "patch"], resource: "websocketproxies", name: proxy, namespace };
  const path = pathOf(KINDS.WebSocketProxy, namespace, proxy);
  for (let left = TRIES; ; left -= 1) {
    try {
      const found = await target.client.request<ProxyObject>({ path, signal });
      const places = placesOf(found);
      if (places.every(({ clients }) => clients.includes(client))) {
        return `the client ${shown(client)} was refused already: it is in deny.clients of ${placesInWords(places)}`;
      }
      await apply(target.client, withClient(found, places, client), signal, {
        fieldManager: KICK_MANAGER,
        force: false,
      });
      return `the client ${shown(client)} is refused from now on: it is in deny.clients of ${placesInWords(places)}`;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw clusterFailure(error, right);
      if (error.words.startsWith("Apply failed")) throw otherOwner(error);
      if (left <= 1) throw clusterFailure(error, right);
    }
  }
}

/** A list deny.clients. */
interface DenyPlace {
  /** Name of the route; undefined: spec.policies. */
  readonly route: string | undefined;
  readonly clients: readonly unknown[];
}

/** spec.policies, and the routes with a deny of their own. */
function placesOf({ spec }: ProxyObject): readonly DenyPlace[] {
  const { policies, routes } = record(spec);
  const ofRoutes = list(routes).flatMap((one): DenyPlace[] => {
    const { name, policies: own } = record(one);
    const { deny } = record(own);
    return typeof name !== "string" || deny === undefined
      ? []
      : [{ route: name, clients: list(record(deny)["clients"]) }];
  });
  return [{ route: undefined, clients: list(record(record(policies)["deny"])["clients"]) }, ...ofRoutes];
}

/**
 * An apply removes what its manager applied before and does not name again: so all earlier entries of kick are in it. Of the
 * version that was read, so that no entry of another kick is lost.
 */
function withClient(found: ProxyObject, places: readonly DenyPlace[], client: string): Applicable {
  const { namespace, name, uid, resourceVersion } = found.metadata;
  const own = ownEntries(found, KICK_MANAGER);
  const policies = ({ route }: DenyPlace): object => {
    const before = (route === undefined ? own.clients : own.routes.get(route)) ?? [];
    return { deny: { clients: [...new Set([...before, client])] } };
  };
  const routes = places.flatMap((place) =>
    place.route === undefined ? [] : [{ name: place.route, policies: policies(place) }],
  );
  const metadata = { namespace, name, uid, resourceVersion } as Applicable["metadata"];
  const [first] = places;
  const spec = {
    ...(first === undefined ? {} : { policies: policies(first) }),
    ...(routes.length === 0 ? {} : { routes }),
  };
  return { apiVersion: API_VERSION, kind: KIND, metadata, spec } as Applicable;
}

/** deny.clients of an earlier CRD is one value with one owner. */
function otherOwner(cause: ApiError): LiveFailure {
  const words =
    "deny.clients belongs to another writer as a whole: the CRD of this cluster is of an earlier version; update it, or edit deny.clients where it is written";
  return new LiveFailure("Refused", words, { cause });
}

function placesInWords(places: readonly DenyPlace[]): string {
  const routes = places.flatMap(({ route }) => (route === undefined ? [] : [route]));
  if (routes.length === 0) return "spec.policies";
  const named = routes.slice(0, 10).map(oneLine).join(", ");
  const more = routes.length > 10 ? `, and ${routes.length - 10} more` : "";
  return `spec.policies and of the route${routes.length === 1 ? "" : "s"} ${named}${more}, which ${routes.length === 1 ? "has" : "have"} a deny of ${routes.length === 1 ? "its" : "their"} own`;
}

function shown(client: string): string {
  return oneLine(client).slice(0, 256);
}
