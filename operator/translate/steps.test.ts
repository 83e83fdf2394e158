import { expect, test } from "vitest";
import { proxy, resources, route, tools } from "../../test/fakes/resources.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { translation } from "./translate.ts";

const of = (count: number, name: string): string[] => Array.from({ length: count }, (_, n) => `${name}${n}`);

/** CPU time of the longest step. */
function longestStep(spec: object): number {
  const steps = translation(resources({ proxy: proxy(spec) }), undefined, tools, { externalNames: false });
  let longest = 0;
  for (let done: boolean | undefined = false; done !== true;) {
    longest = Math.max(
      longest,
      leastTime(() => void ({ done } = steps.next()), 1),
    );
  }
  return longest;
}

test("no step of a translation takes long, though each of 500 routes lists 512 headers", () => {
  const headers = { allow: of(256, "a"), remove: of(256, "b") };
  const routes = of(500, "r").map((name) => route(name, { policies: { forwarding: { headers } } }));
  expect(Math.min(longestStep({ routes }), longestStep({ routes }))).toBeLessThan(50);
});
