import type { Cluster } from "./cluster.ts";

/** What `kubectl get wsp -o wide` prints about a proxy, by the titles of the columns; a cell without text is "". */
export async function columns(cluster: Cluster, namespace: string, name: string): Promise<Record<string, string>> {
  const [head = "", row = ""] = (await cluster.kubectl("-n", namespace, "get", "wsp", name, "-o", "wide")).split("\n");
  return cellsOf(head, row);
}

/** Cells begin below their titles. */
export function cellsOf(head: string, row: string): Record<string, string> {
  const titles = [...head.matchAll(/\S+(?: \S+)*/g)].map(({ 0: title, index }) => ({ title, index }));
  return Object.fromEntries(
    titles.map(({ title, index }, at) => [title, row.slice(index, titles[at + 1]?.index).trim()]),
  );
}
