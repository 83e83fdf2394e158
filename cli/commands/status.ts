import type { Command } from "../line/command.ts";
import { TARGET_OPERANDS, TARGET_OPTIONS, typedTarget } from "../live/target-options.ts";

/** `wsproxy status`: what a gateway is about, and for each problem the next command. */
export const status: Command = {
  synopsis: "[-n NAMESPACE] PROXY [options] | --url URL --token-file FILE [PROXY] [options]",
  about: `Says how a WebSocketProxy is: its conditions, its pods and what each serves, the ready endpoints of its backends, when
its certificate expires, limits that are nearly used up, and the handshakes that were refused lately, by reason. Below each
problem stands the next command to type. A pod that gives no answer within 5 s is named, and holds up no other.
It reads what an account may read, and says which right is missing for the rest: get on the WebSocketProxy and on the Secret
with the admin token, list on pods and endpointslices, get and create on pods/portforward. It changes nothing.
Ends with 0 where all is well, with 1 where there is a problem or no such proxy; where there is no problem in what it could
read, with 77 if a right or the right token is missing, and with 69 if a part gives no answer. That clients are refused is no
problem; that handshakes got 500 or more in the last 10 minutes is one.`,
  options: {
    output: { short: "o", value: "FORMAT", default: "table", help: "table, or json for machines" },
    ...TARGET_OPTIONS,
  },
  operands: TARGET_OPERANDS,
  async run(args, io) {
    const typed = typedTarget(args);
    const output = args.oneOf("output", ["table", "json"]);
    const { showStatus } = await import("../status/show-status.ts");
    return showStatus(typed, output, io);
  },
};
