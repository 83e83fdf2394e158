import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { STAYING } from "../../test/fakes/admin-client.ts";
import { pageEndpoints } from "./page-endpoints.ts";

const folder = join(import.meta.dirname, "debug");
const endpoints = await pageEndpoints();

async function answerOf(path: string) {
  const answer = await endpoints[path]?.answer(new URLSearchParams(), STAYING);
  if (answer === undefined) throw new Error(`no ${path}`);
  return { ...answer, text: Buffer.from(answer.body).toString() };
}

test("serves each file of the page, and nothing that is for tests and tools only", async () => {
  const files = (await readdir(folder)).filter((file) => /\.(?:js|css|svg)$/.test(file));
  expect(Object.keys(endpoints).toSorted()).toEqual(["/debug", ...files.map((file) => `/debug/${file}`)].toSorted());
  expect(Object.values(endpoints).every(({ access, method }) => access === "Open" && method === undefined)).toBe(true);
});

test("every answer has its media type and a policy that lets nothing in from elsewhere", async () => {
  for (const path of Object.keys(endpoints)) {
    const { status, contentType, headers } = await answerOf(path);
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
  const { text } = await answerOf("/debug");
  const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = ""]) => url);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((url) => endpoints[url] === undefined)).toEqual([]);
  expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
  const scripts = Object.keys(endpoints).filter((path) => path.endsWith(".js"));
  for (const path of scripts) {
    const imports = [...(await answerOf(path)).text.matchAll(/^(?:import|export)\b[^;]*?from "\.\/([^"]+)";/gm)];
    for (const [, name = ""] of imports)
      expect([path, Object.hasOwn(endpoints, `/debug/${name}`)]).toEqual([path, true]);
  }
});

test("no script parses HTML, or makes code out of text", async () => {
  const scripts = (await readdir(folder)).filter((file) => file.endsWith(".js"));
  const parsing =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|\beval\b|new Function|srcdoc/;
  for (const file of scripts)
    expect([file, parsing.test(await readFile(join(folder, file), "utf8"))]).toEqual([file, false]);
});
