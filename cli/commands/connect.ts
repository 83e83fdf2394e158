import { createInterface } from "node:readline";
import { STATUS_CODES } from "node:http";
import { WebSocket } from "ws";
import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command, Surroundings } from "../line/command.ts";
import { printable, refusalText } from "../line/connect-words.ts";
import { EXIT } from "../line/exit-codes.ts";

/** Most bytes of a message that is shown. */
const MAX_MESSAGE = 64 * 1024 * 1024;
/** For the handshake, and for the other end's Close, in ms. */
const PATIENCE = 10_000;

/** `wsproxy connect`: a WebSocket client for people and pipes. */
export const connect: Command = {
  synopsis: "URL [--key KEY] [--header 'NAME: VALUE']… [--subprotocol NAME]…",
  about: `Connects to a WebSocket. Each line of standard input is sent as a text message, and what comes is printed; the
rest (opened, refused, closed and why) goes to standard error. Ctrl-D, or the end of a pipe, closes the connection
when nothing has come for --wait. Ends with 0 after a normal close (1000, 1001 or none), else with 1.
For wss with a private CA set NODE_EXTRA_CA_CERTS to its file.`,
  options: {
    key: { short: "k", value: "KEY", help: "API key, sent as the header x-api-key" },
    header: { short: "H", value: "'NAME: VALUE'", multiple: true, help: "header of the handshake" },
    subprotocol: { short: "s", value: "NAME", multiple: true, help: "subprotocol to offer" },
    wait: { value: "TIME", default: "1s", help: "silence to wait for after the end of standard input" },
  },
  operands: ["URL"],
  run: (args, surroundings) => {
    const wait = args.duration("wait");
    return talk(open(args), wait, surroundings);
  },
};

function open(args: Arguments): () => WebSocket {
  const url = urlOf(args.operands[0] ?? "");
  const headers = args.list("header").map(headerOf);
  const key = args.optional("key");
  if (key !== undefined) headers.push(headerOf(`x-api-key: ${key}`));
  const protocols = args.list("subprotocol");
  const wrong = protocols.find((name) => !TOKEN.test(name));
  if (wrong !== undefined) throw new UsageError(`--subprotocol ${JSON.stringify(wrong)} is not a name without spaces`);
  if (new Set(protocols).size < protocols.length) throw new UsageError("the same --subprotocol stands twice");
  const options = { headers: Object.fromEntries(headers), maxPayload: MAX_MESSAGE, handshakeTimeout: PATIENCE };
  return () => new WebSocket(url, [...protocols], options);
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

/** Everything from the dial to the last byte. Resolves with the exit code. */
function talk(dial: () => WebSocket, wait: number, { stdin, out, err, signals }: Surroundings): Promise<number> {
  const { stop, now } = signals();
  const plain = out.isTTY === true;
  const note = (text: string): void => void err.write(`${text}\n`);
  return new Promise((resolve) => {
    const socket = dial();
    const lines = createInterface({ input: stdin, terminal: false });
    lines.pause();
    let silence: NodeJS.Timeout | undefined;
    let inputEnded = false;
    const bye = (): void => socket.close(1000);
    const quiet = (): void => {
      clearTimeout(silence);
      if (inputEnded) silence = setTimeout(bye, wait);
    };
    const end = (code: number): void => {
      clearTimeout(silence);
      lines.close();
      resolve(code);
    };
    stop.addEventListener("abort", () => (socket.readyState === WebSocket.OPEN ? bye() : socket.terminate()));
    now.addEventListener("abort", () => socket.terminate());

    socket.on("open", () => {
      note(`connected${socket.protocol === "" ? "" : `, subprotocol ${printable(socket.protocol, true)}`}`);
      lines.on("line", (line) => socket.send(line));
      lines.on("close", () => {
        inputEnded = true;
        quiet();
      });
      lines.resume();
    });
    socket.on("message", (data: Buffer, binary) => {
      out.write(binary ? `${binaryText(data)}\n` : `${printable(data.toString(), plain)}\n`);
      quiet();
    });
    socket.on("unexpected-response", (request, response) => {
      const status = response.statusCode ?? 0;
      void refusalText(response).then((why) => {
        note(`refused: ${status} ${STATUS_CODES[status] ?? ""}${why === "" ? "" : `: ${why}`}`);
        request.destroy();
        end(EXIT.negative);
      });
    });
    socket.on("error", (error) => {
      note(`failed: ${printable(error.message, true)}`);
      if (socket.readyState === WebSocket.CONNECTING) end(EXIT.negative);
    });
    socket.on("close", (code, reason) => {
      note(closeText(code, reason.toString()));
      end([1000, 1001, 1005].includes(code) ? EXIT.ok : EXIT.negative);
    });
  });
}

function closeText(code: number, reason: string): string {
  if (code === 1006) return "closed without a word (1006)";
  if (code === 1005) return "closed, with no code";
  return `closed: ${code}${reason === "" ? "" : ` ${printable(reason, true)}`}`;
}

function binaryText(data: Buffer): string {
  const shown = data.subarray(0, 32);
  return `(binary, ${data.length} bytes) ${shown.toString("hex")}${shown.length < data.length ? "…" : ""}`;
}
