import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { answerOf } from "../../test/fakes/admin-client.ts";
import { AdminPaths } from "../../runtime/admin-port/admin-paths.ts";
import { pageEndpoints } from "./page-endpoints.ts";

const folder = join(import.meta.dirname, "debug");
const endpoints = await pageEndpoints();
const paths = new AdminPaths(endpoints);
const files = (await readdir(folder)).filter((file) => /\.(?:js|css|svg)$/.test(file));
const all = ["/debug", ...files.map((file) => `/debug/${file}`)];

async function asked(path: string) {
  const found = paths.find(path);
  if (found === undefined) throw new Error(`no ${path}`);
  const answer = await answerOf(found.endpoint, "", found.segment);
  return { ...answer, text: Buffer.from(answer.body).toString() };
}

test("serves each file of the page, and nothing that is for tests and tools, or elsewhere", async () => {
  for (const file of files)
    expect([file, (await asked(`/debug/${file}`)).text]).toEqual([file, await readFile(join(folder, file), "utf8")]);
  expect((await asked("/debug")).text).toBe(await readFile(join(folder, "index.html"), "utf8"));
  for (const path of ["tsconfig.json", "sse.test.ts", "..%2Fpage-endpoints.ts", "%2e%2e", "constructor", "page.js%00"])
    expect([path, (await asked(`/debug/${path}`)).status]).toEqual([path, 404]);
  expect(Object.values(endpoints).every(({ access, method }) => access === "Open" && method === undefined)).toBe(true);
});

test("every answer has its media type and a policy that lets nothing in from elsewhere", async () => {
  for (const path of all) {
    const { status, contentType, headers } = await asked(path);
    expect([status, contentType]).toEqual([
      200,
      expect.stringMatching(/^(?:text\/(?:html|css|javascript); charset=utf-8|image\/svg\+xml)$/),
    ]);
    expect(headers).toMatchObject({
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
    });
  }
});

test("what the page names is there, and none of it is elsewhere", async () => {
  const { text } = await asked("/debug");
  const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = ""]) => url);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((url) => !all.includes(url))).toEqual([]);
  expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
  const scripts = all.filter((path) => path.endsWith(".js"));
  for (const path of scripts) {
    const imports = [...(await asked(path)).text.matchAll(/^(?:import|export)\b[^;]*?from "\.\/([^"]+)";/gm)];
    for (const [, name = ""] of imports) expect([path, files.includes(name)]).toEqual([path, true]);
  }
});

test("no script parses HTML, or makes code out of text", async () => {
  const scripts = files.filter((file) => file.endsWith(".js"));
  const parsing =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|\beval\b|new Function|srcdoc/;
  for (const file of scripts)
    expect([file, parsing.test(await readFile(join(folder, file), "utf8"))]).toEqual([file, false]);
});
