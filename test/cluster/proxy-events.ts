import type { CoreV1Event } from "@kubernetes/client-node";
import { KIND } from "../../api/meta.ts";
import type { Cluster } from "./cluster.ts";

/** What the Events about a proxy say, oldest first, such as `Warning RolloutStuck`; one that was counted, as often as that. */
export async function eventsOf(cluster: Cluster, namespace: string, name: string): Promise<string[]> {
  const about = `involvedObject.kind=${KIND},involvedObject.name=${name}`;
  const list = await cluster.kubectl("-n", namespace, "get", "events", "--field-selector", about, "-o", "json");
  const { items } = JSON.parse(list) as { items: CoreV1Event[] };
  return items
    .toSorted((a, b) => momentOf(a) - momentOf(b))
    .flatMap(({ type, reason, count, series }) => {
      const times = Math.max(1, count ?? 0, series?.count ?? 0);
      return Array<string>(times).fill(`${type} ${reason}`);
    });
}

/** The events that were not there yet; `before` is what `eventsOf` said then. */
export async function eventsSince(
  cluster: Cluster,
  [namespace, name]: readonly [namespace: string, name: string],
  before: readonly string[],
): Promise<string[]> {
  return (await eventsOf(cluster, namespace, name)).slice(before.length);
}

function momentOf({ eventTime, metadata }: CoreV1Event): number {
  return new Date(eventTime ?? metadata.creationTimestamp ?? 0).getTime();
}
