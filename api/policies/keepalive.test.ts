import { expect, test } from "vitest";
import { keepalive } from "./keepalive.ts";

test("a rendered config of a version that had no `strict` is read as not strict", () => {
  const settings = { interval: "30s", timeout: "10s" };
  expect(keepalive.rendered.parse(settings)).toEqual({ ...settings, strict: false });
});
