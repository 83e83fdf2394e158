import type { Config } from "../../../api/config.ts";
import type { Problem } from "../../../api/problem.ts";
import type { TranslateOptions } from "../resources.ts";
import type { Steps } from "../steps.ts";

/** What is wrong with the size of a config where it has to fit into something; undefined: it fits. */
export function* excessOf(
  config: Config | undefined,
  { excess }: TranslateOptions,
  self: string,
): Steps<(Problem<"TooLarge"> & { readonly object: string }) | undefined> {
  const message = config && excess && (yield* excess(config));
  return message === undefined ? undefined : { reason: "TooLarge", message, at: "spec", object: self };
}
