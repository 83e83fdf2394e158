import { LONGEST_TEXT } from "../../api/admin-pages.ts";
import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";
import type { Kicked } from "../kick/kick.ts";
import { TARGET_OPERANDS, TARGET_OPTIONS, typedTarget } from "../live/target-options.ts";

/** Characters of an entry of deny.clients. */
const LONGEST_CLIENT = 256;

/** `wsproxy kick`: closes sessions over all pods of a gateway. */
export const kick: Command = {
  synopsis: "(PROXY | --url URL --token-file FILE [PROXY]) (--session ID | --client ID | --route NAME) [options]",
  about: `Closes open sessions of a WebSocketProxy, over all its pods: both ends get the code 1008 and the reason
EndedByOperator. It says first how many sessions on which pods it will close, and asks; with --yes it does not ask. A kick
is not a ban: the client may connect again. With --deny the client is refused from then on: it is added to deny.clients in
spec.policies, and in each route that has a deny of its own, by server-side apply in the name of wsproxy-kick, so other
entries and their owners stay as they are. To let the client in again, remove it from these lists.
An account needs the rights of "wsproxy sessions"; with --deny get and patch on websocketproxies too.
Ends with 0 where everything was done, with 1 where there was nothing to close or the answer was no; with 77 where a right or
the right token is missing, with 69 where a pod gives no answer: its sessions may still be open.`,
  options: {
    session: { value: "ID", help: "the session with this id, which wsproxy sessions -o wide shows" },
    client: { value: "ID", help: "all sessions of this client" },
    route: { value: "NAME", help: "all sessions of this route" },
    reason: { value: "TEXT", help: "is logged, and sent to the client; at most 106 bytes of it" },
    deny: { help: "refuse the client from now on, too; with --client, in a cluster" },
    yes: { short: "y", help: "do not ask" },
    ...TARGET_OPTIONS,
  },
  operands: TARGET_OPERANDS,
  async run(args, io) {
    const typed = typedTarget(args);
    const kicked = kickedOf(args);
    const reason = args.optional("reason");
    if (reason !== undefined && reason.length > LONGEST_TEXT) {
      throw new UsageError(`--reason has more than ${LONGEST_TEXT} characters`);
    }
    const deny = args.flag("deny");
    if (deny && kicked.value.length > LONGEST_CLIENT) {
      throw new UsageError(`--deny takes a client id of at most ${LONGEST_CLIENT} characters`);
    }
    if (deny && kicked.by !== "client") throw new UsageError("--deny goes with --client");
    if (deny && typed.in === "process") {
      throw new UsageError(
        "--deny changes a WebSocketProxy of a cluster; without one, add the client to deny.clients in its file",
      );
    }
    const { kickSessions } = await import("../kick/kick-sessions.ts");
    return kickSessions(typed, { kicked, reason, deny, yes: args.flag("yes") }, io);
  },
};

function kickedOf(args: Arguments): Kicked {
  const named = (["session", "client", "route"] as const).filter((name) => args.flag(name));
  const [by] = named;
  if (by === undefined) throw new UsageError("name what to close: --session, --client or --route");
  if (named.length > 1) throw new UsageError(`--${named.join(" and --")} do not go together`);
  const value = args.text(by);
  return { by, value };
}
