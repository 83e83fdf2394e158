import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { findingLine } from "./location.ts";
import { Workspace } from "./workspace.ts";

let folder = "";

beforeEach(async () => {
  folder = await temporaryFolder();
});

const secret = (name: string, entry = "alice"): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: demo }\nstringData: { ${entry}: a-long-enough-key }\n`;

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

async function read(workspace: Workspace): Promise<{ ids: string[]; lines: string[] }> {
  const { manifests, findings } = await workspace.read();
  return {
    ids: manifests.map(({ id }) => id),
    lines: findings.map((finding) => findingLine(finding).replaceAll(`${folder}/`, "")),
  };
}

test("a folder is its manifests in the order of their names; hidden files, folders and other files are not read", async () => {
  await write("b.yaml", secret("b"));
  await write("a.yml", secret("a"));
  await write("c.json", JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } }));
  await write(".hidden.yaml", secret("hidden"));
  await write("README.md", "[[[");
  await mkdir(join(folder, "inside"));
  await write("inside/d.yaml", secret("d"));
  const workspace = new Workspace([folder, join(folder, "a.yml")]);
  expect(await read(workspace)).toEqual({
    ids: ["Secret demo/a", "Secret demo/b", "ConfigMap default/c"],
    lines: [],
  });
});

test("a file that breaks keeps its last good objects, and the edits of others count", async () => {
  await write("a.yaml", secret("a"));
  await write("b.yaml", secret("b"));
  const workspace = new Workspace([folder]);
  await read(workspace);
  await write("a.yaml", `${secret("a2")}---\n- broken\n`);
  await write("b.yaml", secret("b2"));
  const broken = await read(workspace);
  expect(broken.ids).toEqual(["Secret demo/a", "Secret demo/b2"]);
  expect(broken.lines).toEqual([
    "a.yaml:6:1: document 2: is not an object; write a mapping with apiVersion, kind, metadata",
  ]);
  await write("a.yaml", secret("a3"));
  expect(await read(workspace)).toEqual({ ids: ["Secret demo/a3", "Secret demo/b2"], lines: [] });
});

test.each([
  ["is empty", "", "a.yaml: holds no manifest"],
  ["is no text", "\u0000[", "a.yaml:1:1"],
  ["has a Secret that cannot be decoded", secret("a").replace("stringData", "data"), "data.alice: is not base64"],
  ["lacks a kind", secret("a").replace("kind: Secret\n", ""), "apiVersion and kind"],
  [
    "has a slip in its kind",
    secret("a").replace("Secret", "Secrte"),
    'kind: "Secrte" is not known; did you mean Secret?',
  ],
  [
    "lacks a name",
    "apiVersion: wsproxy.dev/v1alpha1\nkind: WebSocketProxy\nmetadata: {}\n",
    "document 1, WebSocketProxy, metadata.name: ",
  ],
])("a file that %s keeps its last good objects", async (_how, text, words) => {
  await write("a.yaml", secret("a"));
  const workspace = new Workspace([folder]);
  await read(workspace);
  await write("a.yaml", text);
  const { ids, lines } = await read(workspace);
  expect(ids).toEqual(["Secret demo/a"]);
  expect(lines.join("\n")).toContain(words);
});

test("where nothing was ever good, what can be read counts", async () => {
  await write("a.yaml", `${secret("a")}---\n[\n`);
  const { ids, lines } = await read(new Workspace([folder]));
  expect(ids).toEqual(["Secret demo/a"]);
  expect(lines.length).toBeGreaterThan(0);
});

test("a file that is gone takes its objects away; a path that is gone leaves them", async () => {
  await write("a.yaml", secret("a"));
  await write("b.yaml", secret("b"));
  await mkdir(join(folder, "inside"));
  await write("inside/c.yaml", secret("c"));
  const workspace = new Workspace([join(folder, "inside"), join(folder, "a.yaml"), folder]);
  await read(workspace);
  await rm(join(folder, "b.yaml"));
  expect((await read(workspace)).ids).toEqual(["Secret demo/c", "Secret demo/a"]);
  await rm(join(folder, "a.yaml"));
  await rename(join(folder, "inside"), join(folder, "elsewhere"));
  const gone = await read(workspace);
  expect(gone.ids).toEqual(["Secret demo/c", "Secret demo/a"]);
  expect(gone.lines).toEqual([
    "inside: does not exist; what it held stays in force",
    "a.yaml: does not exist; what it held stays in force",
    `${folder}: holds no .yaml, .yml or .json file`,
  ]);
});

test("a link that leads nowhere keeps what was behind it", async () => {
  await mkdir(join(folder, "..data"));
  await write("..data/a.yaml", secret("a"));
  await symlink("..data/a.yaml", join(folder, "a.yaml"));
  const workspace = new Workspace([folder]);
  expect((await read(workspace)).ids).toEqual(["Secret demo/a"]);
  await rm(join(folder, "..data"), { recursive: true });
  expect(await read(workspace)).toEqual({
    ids: ["Secret demo/a"],
    lines: ["a.yaml: does not exist; what it held stays in force"],
  });
});

test("an object that stands twice counts once, and both places are named", async () => {
  await write("a.yaml", `${secret("a")}---\n${secret("twice", "first")}`);
  await write("b.yaml", secret("twice", "second"));
  const { manifests } = await new Workspace([folder]).read();
  const { ids, lines } = await read(new Workspace([folder]));
  expect(ids).toEqual(["Secret demo/a", "Secret demo/twice"]);
  expect(JSON.stringify(manifests[1]?.object)).toContain("first");
  expect(lines).toEqual([
    "b.yaml:1: document 1, Secret demo/twice: stands twice: it is in a.yaml:6, document 2 already, and that one counts; remove one of them",
  ]);
});

test("kinds that nothing here looks at are noted, and are no mistake", async () => {
  await write("a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: x }\n");
  const { manifests, findings, ignored } = await new Workspace([folder]).read();
  expect([manifests, findings]).toEqual([[], []]);
  expect(ignored.map(({ message }) => message)).toEqual(['"apps/v1 Deployment" is not used here']);
});
