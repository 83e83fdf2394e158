import { API_VERSION, KIND } from "../api/meta.ts";
import { status } from "../api/status.ts";
import { spec } from "../api/websocket-proxy.ts";
import { boundsOf, defaultOf, rulesOf, typeOf } from "./field.ts";
import { schemaOf, type Schema } from "./schema.ts";

/** `docs/reference/websocketproxy.md`: a section for each object, a row for each field. */
export const referencePage = `# ${KIND}

\`${API_VERSION}\`, namespaced, short name \`wsp\`. Everything that a ${KIND} names is in its own namespace. Generated from \`api/\` by \`make generate\`.

A complete resource to copy from is [every-field.yaml](../../examples/reference/every-field.yaml). \`kubectl explain wsp.spec\` tells the same as this page.

| type | what to write |
|---|---|
| duration | A number with a unit, or several: \`250ms\`, \`30s\`, \`1m30s\`, \`12h\`. |
| size | Bytes: a number, or a Kubernetes quantity such as \`64Ki\` or \`1Mi\`. |
| CIDR | An address or a block of them: \`10.0.0.0/8\`, \`2001:db8::1\`. |
| object name | The name of a Kubernetes object. |
| host name | Lower case, without scheme and port: \`chat.example.com\`, \`*.example.com\`. |
| label | Lower case letters, digits and \`-\`, at most 63. |
| header name, token | Letters, digits and \`\` !#$%&'*+.^_\`|~- \`\`, at most 128. |
| origin | As a browser or an app sends it, with the scheme in lower case: \`https://app.example.com\`, \`https://*.example.com:8443\`, \`capacitor://localhost\`, \`file://\`. |
| URL | \`https://…\`, without credentials and fragment. |
| Kubernetes object | As Kubernetes documents it; passed on as it is. |

${[
  ...sections("spec", { description: "The wanted state.", ...schemaOf(spec) }),
  ...sections("status", schemaOf(status)),
].join("\n")}`;

/** A section for each object below a schema, in the order of the fields. Equal objects share one section. */
function sections(root: string, whole: Schema): string[] {
  const anchors = new Map<string, string>();
  const written: string[] = [];
  const write = (path: string, schema: Schema): void => {
    const index = written.push("") - 1; // before the sections that \`rows\` writes
    const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
      const object = field.items ?? field;
      if (object.properties === undefined) return row(name, name, field, schema);
      const content = JSON.stringify([object.properties, object.required, rulesOf(object)]);
      const at = field.items === undefined ? `${path}.${name}` : `${path}.${name}[]`;
      if (!anchors.has(content)) {
        anchors.set(content, anchorOf(at));
        write(at, object);
      }
      return row(name, `[${name}](#${anchors.get(content)})`, field, schema);
    });
    written[index] = section(path, schema, rows);
  };
  write(root, whole);
  return written;
}

function section(path: string, schema: Schema, rows: readonly string[]): string {
  const rules = rulesOf(schema).map(({ message, fieldPath }) =>
    fieldPath === undefined
      ? `- ${message.replace(/^./, (letter) => letter.toUpperCase())}.`
      : `- \`${fieldPath.slice(1)}\`: ${message}.`,
  );
  return `## ${path}

${schema.description ?? ""}

| field | type | default | what it is |
|---|---|---|---|
${rows.join("\n")}
${rules.length === 0 ? "" : `\n${rules.join("\n")}\n`}`;
}

function row(name: string, shown: string, field: Schema, { required = [] }: Schema): string {
  const bounds = boundsOf(field);
  const words = `${field.description ?? ""}${bounds === "" ? "" : ` (${bounds})`}`;
  const cells = [shown, typeOf(field), required.includes(name) ? "**required**" : defaultOf(field), words];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The anchor of a heading in rendered Markdown. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^a-z0-9-]/g, "");
}
