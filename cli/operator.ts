import type { Command } from "./command.ts";
import { EXIT } from "./exit-codes.ts";

/** The operator's place on the command line: this release runs without a cluster only. */
export const operator: Command = {
  synopsis: "",
  about: `Runs the operator in a Kubernetes cluster. It comes with the next release: this one says so and ends with 69.
Until then: wsproxy standalone, and wsproxy dataplane for rendered config.`,
  options: {},
  async run(_args, { err }) {
    err.write("wsproxy operator: comes with the next release; this one has wsproxy standalone and wsproxy dataplane\n");
    return EXIT.unavailable;
  },
};
