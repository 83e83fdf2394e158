import type { Command } from "../line/command.ts";
import { TARGET_OPERANDS, TARGET_OPTIONS, typedTarget } from "../live/target-options.ts";

/** `wsproxy debug`: the debug page of a gateway, over all its pods, served on this machine. */
export const debug: Command = {
  synopsis: "[-n NAMESPACE] PROXY [options] | --url URL --token-file FILE [PROXY] [options]",
  about: `Serves the debug page of a WebSocketProxy on 127.0.0.1, over all its pods, prints its link, and opens it in the
browser if standard output is a terminal. The page shows handshakes with their policy trace as they come, open sessions with
a button to close them, frames, and which config each pod serves. Pods that come and go are picked up and let go. The link
has a token of its own, which is void when the command ends; the token of the pods stays in this process.
A pod has 5 streams at a time; this command takes one for each filter, however many tabs are open.
An account needs the rights of "wsproxy sessions". Ends with 0 at Ctrl-C; before it serves with the exit codes of "wsproxy sessions".`,
  options: {
    port: { value: "PORT", default: "0", help: "port of the page on 127.0.0.1; 0: one that is free" },
    "no-open": { help: "open no browser" },
    ...TARGET_OPTIONS,
  },
  operands: TARGET_OPERANDS,
  async run(args, io) {
    const typed = typedTarget(args);
    const options = { port: args.port("port"), open: io.out.isTTY === true && !args.flag("no-open") };
    const { debugGateway } = await import("../debug/debug-gateway.ts");
    const { pageEndpoints } = await import("../page/page-endpoints.ts");
    return debugGateway(typed, options, pageEndpoints, io);
  },
};
