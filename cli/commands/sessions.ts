import type { Command } from "../line/command.ts";
import { addressOf, TARGET_OPERANDS, TARGET_OPTIONS, typedTarget } from "../live/target-options.ts";

/** `wsproxy sessions`: the open sessions of a gateway, over all its pods. */
export const sessions: Command = {
  synopsis: "[-n NAMESPACE] PROXY [options] | --url URL --token-file FILE [PROXY] [options]",
  about: `Lists the open sessions of a WebSocketProxy over all its pods: client, route, address, pod, age, messages and bytes
each way (up: from the client, down: from the backend), and the sums. With --watch it shows them anew every 2 s, those with
the most messages in a second first, until Ctrl-C. It reaches the pods through the API server, so nothing opens in the
network; an account needs get on the Secret with the admin token, list on pods, and get and create on pods/portforward.
Ends with 0; with 77 where a right or the right token is missing, with 69 where a pod gives no answer, with 1 where there is
no such proxy. Where only some pods answer it prints their sessions all the same, and says which are missing.`,
  options: {
    client: { value: "ID", help: "only sessions of this client" },
    route: { value: "NAME", help: "only sessions of this route" },
    address: { value: "IP", help: "only sessions from this address" },
    output: { short: "o", value: "FORMAT", default: "table", help: "table, wide (with ids), or json for machines" },
    watch: { short: "w", help: "show them again and again" },
    ...TARGET_OPTIONS,
  },
  operands: TARGET_OPERANDS,
  async run(args, io) {
    const typed = typedTarget(args);
    const options = {
      filter: { client: args.optional("client"), route: args.optional("route"), address: addressOf(args) },
      output: args.oneOf("output", ["table", "wide", "json"]),
      watch: args.flag("watch"),
    };
    const { listSessions } = await import("../sessions/list-sessions.ts");
    return listSessions(typed, options, io);
  },
};
