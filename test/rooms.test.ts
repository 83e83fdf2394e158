import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

// The tables of rooms in ARCHITECTURE.md, held against the imports of the code, those of types included.

const root = join(import.meta.dirname, "..");

interface Row {
  /** `ports/`, or `gateway.ts` for a file that stands directly in the folder. */
  readonly room: string;
  readonly sentence: string;
  /** Rooms of the same folder that this one imports. */
  readonly imports: readonly string[];
}

/** Folder → its table, under a heading `### dataplane/`. */
const tables = tablesIn(readFileSync(join(root, "ARCHITECTURE.md"), "utf8"));
/** Product file → the product files that it imports. */
const imports = new Map(["api", "cli", "dataplane", "operator", "runtime"].flatMap(filesIn).map(importsOf));

test("every folder that has rooms has a table", () => {
  const withRooms = new Set(
    [...imports.keys()].map((file) => dirname(dirname(file))).filter((folder) => folder !== "."),
  );
  expect([...tables.keys()].toSorted()).toEqual([...withRooms].toSorted());
  expect(imports.size).toBeGreaterThan(250);
  expect([...imports.values()].flat().length).toBeGreaterThan(1000);
});

describe.each([...tables])("%s/", (folder, rows) => {
  const rooms = rows.map(({ room }) => room);
  const found = arrowsIn(folder);

  test("each room stands in the table once, and each row is a room", () => {
    expect(rooms.toSorted()).toEqual([...found.keys()].toSorted());
  });

  test.each(rows)("$room says what belongs in it, and imports what the table says", (row) => {
    expect(row.sentence.length).toBeGreaterThan(10);
    expect(row.imports).toEqual([...(found.get(row.room) ?? [])].toSorted());
  });

  test("a room imports only rooms that stand below it: there is no circle", () => {
    const upward = rows.flatMap((row, at) =>
      row.imports.filter((other) => rooms.indexOf(other) <= at).map((other) => `${row.room} → ${other}`),
    );
    expect(upward).toEqual([]);
  });
});

function tablesIn(page: string): ReadonlyMap<string, readonly Row[]> {
  const sections = page.split(/^### /m).slice(1);
  const found = sections.flatMap((section) => {
    const folder = /^`([a-z/]+)\/`/.exec(section)?.[1];
    const rows = [...section.matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)].map(
      ([, room = "", sentence = "", list = ""]) => ({
        room,
        sentence,
        imports: [...list.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      }),
    );
    return folder === undefined ? [] : [[folder, rows] as const];
  });
  return new Map(found);
}

/** Of each room of a folder: which other rooms of that folder its files import. */
function arrowsIn(folder: string): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const from = roomOf(folder, file);
    if (from === undefined) continue;
    const others = arrows.get(from) ?? new Set();
    arrows.set(from, others);
    for (const target of targets) {
      const to = roomOf(folder, target);
      if (to !== undefined && to !== from) others.add(to);
    }
  }
  return arrows;
}

/** The room of a file within a folder: its first folder in there, or the file itself; undefined: it is elsewhere. */
function roomOf(folder: string, file: string): string | undefined {
  if (!file.startsWith(`${folder}/`)) return undefined;
  const [first = "", ...rest] = file.slice(folder.length + 1).split("/");
  return rest.length === 0 ? first : `${first}/`;
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => `${folder}/${file}`);
}

function importsOf(file: string): readonly [string, readonly string[]] {
  const text = readFileSync(join(root, file), "utf8");
  const named = [...text.matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*"(\.{1,2}\/[^"]+)"/g)];
  return [file, named.map(([, name = ""]) => relative(root, join(root, dirname(file), name)))];
}
