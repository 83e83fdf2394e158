import { isMap, isScalar, parseDocument, type Scalar, type YAMLMap } from "yaml";

/** One value of the chart. */
interface Value {
  readonly path: string;
  readonly fallback: string;
  readonly description: string;
}

/**
 * The reference page of the chart's values, made from `values.yaml`: the comment above a key is its description, and a
 * map without a comment is a group. Throws if a value has no description.
 */
export function chartValuesPage(valuesYaml: string): string {
  const { contents } = parseDocument(valuesYaml);
  if (!isMap(contents)) throw new Error("values.yaml is no map");
  const rows = valuesOf(contents as YAMLMap<Scalar>, "").map(
    ({ path, fallback, description }) =>
      `| \`${path}\` | \`${fallback}\` | ${description.replaceAll(/[|<]/g, "\\$&")} |`,
  );
  return `# Values of the chart

What \`helm install\` and \`helm upgrade\` take with \`--set\` and \`--values\`. A key that is not here is refused.

| value | default | what it does |
|---|---|---|
${rows.join("\n")}
`;
}

function valuesOf(map: YAMLMap<Scalar>, prefix: string): Value[] {
  return map.items.flatMap((item, index) => {
    const { key, value } = item;
    const path = `${prefix}${String(key.value)}`;
    // The parser gives the comment above the first key to the map.
    const comment = (index === 0 ? map.commentBefore : undefined) ?? key.commentBefore;
    const description =
      comment
        ?.split(/\n\s*\n/)
        .at(-1)
        ?.split("\n")
        .map((line) => line.trim())
        .join(" ")
        .trim() ?? "";
    const isGroup = isMap(value) && value.flow !== true && value.items.length > 0 && description === "";
    if (isGroup) return valuesOf(value as YAMLMap<Scalar>, `${path}.`);
    if (description === "") throw new Error(`values.yaml: ${path} has no comment that says what it does`);
    return [{ path, fallback: written(value), description }];
  });
}

function written(value: unknown): string {
  const plain: unknown = isScalar(value) ? value.value : (value as YAMLMap).toJSON();
  return JSON.stringify(plain).replaceAll('":', '": ').replaceAll(',"', ', "');
}
