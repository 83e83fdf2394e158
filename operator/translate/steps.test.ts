import { expect, test } from "vitest";
import { tools } from "../platform/tools.ts";
import { proxy, resources, route } from "../../test/fakes/resources.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { translation } from "./translate.ts";

const of = (count: number, name: string): string[] => Array.from({ length: count }, (_, n) => `${name}${n}`);

/** CPU time of the longest step. */
function longestStep(spec: object): number {
  const steps = translation(resources({ proxy: proxy(spec) }), undefined, tools, { externalNames: false });
  const time = { longest: 0, over: false };
  const step = (): void => void (time.over = steps.next().done === true);
  while (!time.over) time.longest = Math.max(time.longest, leastTime(step, 1));
  return time.longest;
}

test("no step of a translation takes long, though each of 500 routes lists 512 headers", () => {
  const headers = { allow: of(256, "a"), remove: of(256, "b") };
  const routes = of(500, "r").map((name) => route(name, { policies: { forwarding: { headers } } }));
  expect(Math.min(longestStep({ routes }), longestStep({ routes }))).toBeLessThan(50);
});
