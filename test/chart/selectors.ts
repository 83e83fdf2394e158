/**
 * What a query asks for: each metric once for each set of its labels. Without `reason`, which says a state: while all is
 * well no series has it.
 */
export function selectorsOf(query: string): readonly string[] {
  const found = [...query.matchAll(/\b(wsproxy_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", labels = ""]) => {
    const kept = [...labels.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)].filter(([, label]) => label !== "reason");
    return `${name}{${kept.map(([matcher]) => matcher).join(",")}}`;
  });
  return [...new Set(found)];
}
