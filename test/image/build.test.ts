import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isOlder, unfit } from "./least-node.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Builds without buildah and docker in the PATH: a refusal must come before the script needs them. */
function build(env: Readonly<Record<string, string>>): { status: number | null; stderr: string } {
  const path = "/usr/bin:/bin"; // for bash, sed and dirname; the refusal comes before any call of buildah
  const { status, stderr } = spawnSync("/bin/bash", [join(ROOT, "test/image/build.sh"), "wsproxy:never"], {
    env: { PATH: path, ...env },
    encoding: "utf8",
  });
  return { status, stderr };
}

test.each([
  ["no base image at all", undefined],
  ["a tag", "docker.io/library/node:24-bookworm-slim"],
  ["half a digest", "docker.io/library/node@sha256:0123456789abcdef"],
  ["another kind of digest", `docker.io/library/node@sha512:${"0".repeat(128)}`],
  ["a digest without an image", `@sha256:${"0".repeat(64)}`],
])("a release with %s is refused, and told what to write", (_what, image) => {
  const { status, stderr } = build({ RELEASE: "1", ...(image === undefined ? {} : { NODE_IMAGE: image }) });
  expect(status).toBe(1);
  expect(stderr).toContain("a release is built on a base image that is named by its digest");
  expect(stderr).toContain("NODE_IMAGE=docker.io/library/node@sha256:");
});

test("both stages stand on the image that is given", () => {
  const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
  expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual([
    "${NODE_IMAGE}",
    "${NODE_IMAGE}",
  ]);
});

test.each([
  ["24.21.0", "24.22.1", true],
  ["24.22.0", "24.22.1", true],
  ["24.22.1", "24.22.1", false],
  ["24.22.10", "24.22.9", false],
  ["24.9.0", "24.22.1", true],
  ["26.0.0", "24.22.1", false],
])("of Node %s it is known whether it is older than %s", (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
  expect(unfit(version, than) === undefined).toBe(!older);
});

test("the least Node of package.json is of the line that the Dockerfile builds on", () => {
  const { config } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly config: { readonly leastNode: string };
  };
  const line = /^ARG NODE_IMAGE=\S+\/node:(\d+)-/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8"))?.[1];
  expect(config.leastNode).toMatch(new RegExp(`^${line}\\.\\d+\\.\\d+$`));
});
