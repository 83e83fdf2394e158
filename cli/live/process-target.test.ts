import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sessionPage } from "../../api/admin-pages.ts";
import { FakeAdminProcess } from "../../test/fakes/admin-process.ts";
import { freePort, temporaryFolder } from "../../test/fakes/program.ts";
import { ask, openStream } from "./ask.ts";
import { processTarget } from "./process-target.ts";
import type { Place } from "./target.ts";

const STAYS = new AbortController().signal;
const asked = (place: Place): Promise<unknown> => ask(place, { path: "/sessions" }, sessionPage, STAYS);

async function placeOf(port: number, tokenFile: string): Promise<Place> {
  const url = new URL(`http://127.0.0.1:${port}`);
  const [place] = await (await processTarget({ in: "process", url, token: undefined, tokenFile }, STAYS)).places(STAYS);
  if (place === undefined) throw new Error("no place");
  return place;
}

test("the token of a file is read anew when it was refused", async () => {
  const process = await FakeAdminProcess.start();
  const file = join(await temporaryFolder(), "token");
  await writeFile(file, `${process.token}\n`);
  const place = await placeOf(process.port, file);
  await asked(place);
  process.token = "the-next";
  await expect(asked(place)).rejects.toMatchObject({ kind: "WrongToken" });
  await writeFile(file, "the-next");
  await asked(place);
});

test.each(["", "two words", "secret\u0000", "s".repeat(5000)])(
  "a file without a token alone is told in a sentence that quotes nothing of it",
  async (text) => {
    const file = join(await temporaryFolder(), "token");
    await writeFile(file, text);
    await expect(placeOf(1, file)).rejects.toMatchObject({
      kind: "NoTarget",
      message: `--token-file ${file} does not hold a token alone`,
    });
  },
);

test("a file that is not there, a folder, and a port where no process listens", async () => {
  const folder = await temporaryFolder();
  await expect(placeOf(1, join(folder, "none"))).rejects.toMatchObject({ kind: "NoTarget" });
  await expect(placeOf(1, folder)).rejects.toMatchObject({ kind: "NoTarget" });
  const file = join(folder, "token");
  await writeFile(file, "t");
  const port = await freePort();
  await expect(asked(await placeOf(port, file))).rejects.toMatchObject({
    kind: "Unreachable",
    message: `no process answers at 127.0.0.1:${port}`,
  });
});

test.each(["text/html", "application/json", undefined])("an answer of type %s is no stream", async (type) => {
  const process = await FakeAdminProcess.start();
  const file = join(await temporaryFolder(), "token");
  await writeFile(file, process.token);
  process.answer = (_call, response) => {
    response.writeHead(200, type === undefined ? {} : { "content-type": type }).write("data: {}\n\n");
    return true;
  };
  const place = await placeOf(process.port, file);
  await expect(openStream(place, { path: "/debug/events" }, STAYS)).rejects.toMatchObject({ kind: "Nonsense" });
});

test("of many proxies with one name it names five, safe for a terminal, and asks for the namespace", async () => {
  const process = await FakeAdminProcess.start();
  const report = (proxy: string): object => ({ proxy, hash: "0".repeat(64), generation: 1 });
  const names = Array.from({ length: 9 }, (_, at) => `ns\u001b${at}/chat`);
  process.answer = (_call, response) => {
    response.end(JSON.stringify({ proxies: [...names, "a/other"].map(report), more: 0 }));
    return true;
  };
  const url = new URL(`http://127.0.0.1:${process.port}`);
  const typed = { in: "process", url, token: process.token, tokenFile: undefined } as const;
  const opened = (name: string, namespace?: string): Promise<unknown> =>
    processTarget({ ...typed, proxy: { name, namespace } }, STAYS);
  await expect(opened("chat")).rejects.toMatchObject({
    kind: "NoProxy",
    message: `${url.host} serves several proxies chat; add -n NAMESPACE: ${[0, 1, 2, 3, 4].map((at) => `ns\ufffd${at}/chat`).join(", ")}`,
  });
  await expect(opened("other", "b")).rejects.toMatchObject({ kind: "NoProxy" });
  await expect(opened("other", "a")).resolves.toMatchObject({ title: `a/other at ${url.host}` });
  await expect(opened("other")).resolves.toMatchObject({ title: `a/other at ${url.host}` });
});
