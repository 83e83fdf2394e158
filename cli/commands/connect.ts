import type { Dial } from "../connect/converse.ts";
import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";

/** `wsproxy connect`: a WebSocket client for people and pipes. */
export const connect: Command = {
  synopsis: "URL [--key KEY] [--header 'NAME: VALUE']… [--subprotocol NAME]…",
  about: `Connects to a WebSocket. Each line of standard input is sent as a text message, and what comes is printed; the
rest (opened, refused, closed and why) goes to standard error. Ctrl-D, or the end of a pipe, closes the connection
when nothing has come for --wait. With --retry it tries again while the server answers 503. Ends with 0 after a
normal close (1000, 1001 or none), else with 1.
For wss with a private CA set NODE_EXTRA_CA_CERTS to its file.`,
  options: {
    key: { short: "k", value: "KEY", help: "API key, sent as the header x-api-key" },
    header: { short: "H", value: "'NAME: VALUE'", multiple: true, help: "header of the handshake" },
    subprotocol: { short: "s", value: "NAME", multiple: true, help: "subprotocol to offer" },
    wait: { value: "TIME", default: "1s", help: "silence to wait for after the end of standard input" },
    retry: { value: "TIME", default: "0s", help: "how long to try again while the answer is 503" },
  },
  operands: ["URL"],
  async run(args, io) {
    const wait = args.duration("wait");
    const retry = args.duration("retry");
    const dial = dialOf(args);
    const { converse } = await import("../connect/converse.ts");
    return converse(dial, { wait, retry }, io);
  },
};

function dialOf(args: Arguments): Dial {
  const url = urlOf(args.operands[0] ?? "");
  const headers = args.list("header").map(headerOf);
  const key = args.optional("key");
  if (key !== undefined) headers.push(headerOf(`x-api-key: ${key}`));
  const protocols = args.list("subprotocol");
  const wrong = protocols.find((name) => !TOKEN.test(name));
  if (wrong !== undefined) throw new UsageError(`--subprotocol ${JSON.stringify(wrong)} is not a name without spaces`);
  if (new Set(protocols).size < protocols.length) throw new UsageError("the same --subprotocol stands twice");
  return { url, headers: Object.fromEntries(headers), protocols };
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && ["ws:", "wss:"].includes(url.protocol) && url.hash === "") return url;
  throw new UsageError(`${JSON.stringify(text)} is not a WebSocket URL; write for example ws://127.0.0.1:8080/chat`);
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([^:\s]+)\s*:\s*([\t\x20-\x7e]*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined && TOKEN.test(name)) return [name, value.trimEnd()];
  // Not quoted in the message: it may hold a credential.
  throw new UsageError("a header (or key) cannot be sent like this; write 'name: value' in ASCII");
}
