import { DEBUG } from "../../api/debug.ts";
import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";
import { addressOf, TARGET_OPERANDS, TARGET_OPTIONS, typedTarget } from "../live/target-options.ts";
import type { EventWish, FrameWish } from "../trace/trace-gateway.ts";

/** Longest --for, in ms: what a timer takes. */
const LONGEST_TIME = 2_147_483_647;

/** `wsproxy trace`: handshakes with their policy trace, or frames, as they come. */
export const trace: Command = {
  synopsis: "[-n NAMESPACE] PROXY [options] | --url URL --token-file FILE [PROXY] [options]",
  about: `Shows what happens at a WebSocketProxy, over all its pods, as it comes: each handshake with the steps that it went
through, their times and the one that refused it; the ends of sessions, limits that were exceeded, pauses and pings. The
refusals that the pods have kept come first, marked "earlier". With --frames it shows the frames of a client or a session
instead, and --payload the first bytes of each where dataplane.debug.payload is Allowed.
Marks: ✓ passed, ✗ refused, ~ a limit in Shadow would have refused, · skipped; ↑ from the client, ↓ from the backend.
A pod has ${DEBUG.watchers} such streams at a time. An account needs the rights of "wsproxy sessions".
Ends with 0 at Ctrl-C, after --for, or when nothing reads its output. Where no pod can be watched at the beginning: with 1
if the pods refuse, with 77 if a right or the right token is missing, with 69 if no pod answers.`,
  options: {
    client: { value: "ID", help: "only of this client" },
    route: { value: "NAME", help: "only of this route" },
    address: { value: "IP", help: "only of this address" },
    refused: { help: "only handshakes that are refused" },
    frames: { help: "frames, not events; with --client or --session" },
    session: { value: "ID", help: "with --frames: of this session, which wsproxy sessions -o wide shows" },
    payload: {
      value: "BYTES",
      help: `with --frames: show so many bytes of each payload, at most ${DEBUG.frames.payload}`,
    },
    for: { value: "TIME", help: "end after this time, such as 60s; default: at Ctrl-C" },
    output: { short: "o", value: "FORMAT", default: "text", help: "text, or json: one line for each event" },
    ...TARGET_OPTIONS,
  },
  operands: TARGET_OPERANDS,
  async run(args, io) {
    const typed = typedTarget(args);
    const options = {
      wish: args.flag("frames") ? framesOf(args) : eventsOf(args),
      time: args.flag("for") ? timeOf(args) : undefined,
      json: args.oneOf("output", ["text", "json"]) === "json",
    };
    const { traceGateway } = await import("../trace/trace-gateway.ts");
    return traceGateway(typed, options, io);
  },
};

function eventsOf(args: Arguments): EventWish {
  const foreign = ["session", "payload"].find((name) => args.flag(name));
  if (foreign !== undefined) throw new UsageError(`--${foreign} goes with --frames`);
  const outcome = args.flag("refused") ? "refused" : undefined;
  return { client: args.optional("client"), route: args.optional("route"), address: addressOf(args), outcome };
}

function framesOf(args: Arguments): FrameWish {
  const foreign = ["route", "address", "refused"].find((name) => args.flag(name));
  if (foreign !== undefined) throw new UsageError(`--${foreign} does not go with --frames`);
  const [client, session] = [args.optional("client"), args.optional("session")];
  if ((client === undefined) === (session === undefined)) {
    throw new UsageError("--frames goes with --client or --session, one of them");
  }
  const typed = args.optional("payload") ?? "0";
  const payload = /^\d{1,6}$/.test(typed) ? Number(typed) : Number.NaN;
  if (!(payload <= DEBUG.frames.payload)) {
    throw new UsageError(`--payload is a number of bytes from 0 to ${DEBUG.frames.payload}`);
  }
  return { client, session, payload };
}

function timeOf(args: Arguments): number {
  const time = args.duration("for");
  if (time > 0 && time <= LONGEST_TIME) return time;
  throw new UsageError("--for is a time from 1ms to 24 days, such as 60s");
}
