import { isAlias, isMap, isPair, isScalar, isSeq, visit, type Document, type Node } from "yaml";
import { fieldPath } from "../../api/problem.ts";

type Key = string | number;

/** `spec.routes[0].policies["a b"]` → `spec`, `routes`, 0, `policies`, `a b`; the inverse is `fieldPath`. */
export function keysOf(field: string): Key[] {
  const parts = field.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g);
  return [...parts].map(([, index, quoted, plain]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? (plain ?? "") : String(JSON.parse(quoted));
  });
}

/** Offset of a field in the text, or of its nearest parent that exists. */
export function offsetOf(document: Document.Parsed, keys: readonly Key[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range[0];
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(key)];
      if (item === undefined) break;
      offset = startOf(item) ?? offset;
      node = item;
    } else {
      break;
    }
  }
  return offset;
}

/** The innermost field that an offset lies in; empty: it lies in none. */
export function fieldAt(document: Document.Parsed, offset: number): string {
  let keys: Key[] = [];
  visit(document, {
    Node(key, node, path) {
      const range = node.range;
      const inside = range !== undefined && range !== null && range[0] <= offset && offset <= range[1];
      if (!inside || (key !== "key" && !isScalar(node))) return;
      const found = keysTo([...path, node], key === "key");
      if (found.length >= keys.length) keys = found;
    },
  });
  return fieldPath("", keys);
}

/** The keys that lead to the last of these nodes. */
function keysTo(path: readonly unknown[], lastIsKey: boolean): Key[] {
  return path.flatMap((node, index): Key[] => {
    const next = path[index + 1];
    if (isPair(node)) return isScalar(node.key) && (lastIsKey || next !== undefined) ? [String(node.key.value)] : [];
    return isSeq(node) && next !== undefined ? [node.items.indexOf(next)] : [];
  });
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
