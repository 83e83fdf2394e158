import { STATUS_CODES } from "node:http";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Shutdown } from "../../runtime/shutdown.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { printable, refusalText } from "./terminal-text.ts";

/** Bytes of the largest message that is shown. */
const MAX_MESSAGE = 64 * 1024 * 1024;
/** How long the handshake may take, in ms. */
const PATIENCE = 10_000;

/** How a WebSocket is opened. */
export interface Dial {
  /** A `ws:` or `wss:` URL. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Subprotocols to offer. */
  readonly protocols: readonly string[];
}

/** Times in ms. */
export interface Patience {
  /** Without a message behind the end of the input, before the connection is closed. */
  readonly wait: number;
  /** While the answer is 503, to try again. */
  readonly retry: number;
}

/** Connects, sends each line of standard input, prints what comes, and closes. Resolves with the exit code. */
export async function converse(dial: Dial, { wait, retry }: Patience, io: CommandIO): Promise<number> {
  const signals = io.signals();
  const lines = createInterface({ input: io.stdin, terminal: false });
  lines.pause();
  const deadline = performance.now() + retry;
  try {
    for (;;) {
      const outcome = await session(dial, wait, lines, { ...io, ...signals });
      if (typeof outcome === "number") return outcome;
      if (performance.now() + outcome.retryAfter > deadline) return EXIT.negative;
      await sleep(outcome.retryAfter, undefined, { signal: signals.stop }).catch(() => {});
      if (signals.stop.aborted) return EXIT.negative;
    }
  } finally {
    lines.close();
  }
}

/** The server answered 503: in so many ms it may be asked again. */
interface Busy {
  readonly retryAfter: number;
}

type SessionIO = Pick<CommandIO, "out" | "err"> & Shutdown;

/** One attempt, and the session if the server accepts it. Lines are read only then. */
function session(
  dial: Dial,
  wait: number,
  lines: Interface,
  { out, err, stop, now }: SessionIO,
): Promise<number | Busy> {
  const plain = out.isTTY === true;
  const note = (text: string): void => void err.write(`${text}\n`);
  return new Promise((resolve) => {
    const { url, headers, protocols } = dial;
    const options = { headers, maxPayload: MAX_MESSAGE, handshakeTimeout: PATIENCE };
    const socket = new WebSocket(url, [...protocols], options);
    let silence: NodeJS.Timeout | undefined;
    let inputEnded = false;
    const closeNormally = (): void => socket.close(1000);
    const waitForSilence = (): void => {
      clearTimeout(silence);
      if (inputEnded) silence = setTimeout(closeNormally, wait);
    };
    const end = (outcome: number | Busy): void => {
      clearTimeout(silence);
      resolve(outcome);
    };
    stop.addEventListener("abort", () => (socket.readyState === WebSocket.OPEN ? closeNormally() : socket.terminate()));
    now.addEventListener("abort", () => socket.terminate());

    socket.on("open", () => {
      note(`connected${socket.protocol === "" ? "" : `, subprotocol ${printable(socket.protocol, true)}`}`);
      lines.on("line", (line) => socket.send(line));
      lines.on("close", () => {
        inputEnded = true;
        waitForSilence();
      });
      lines.resume();
    });
    socket.on("message", (data: Buffer, binary) => {
      out.write(binary ? `${binaryText(data)}\n` : `${printable(data.toString(), plain)}\n`);
      waitForSilence();
    });
    socket.on("unexpected-response", (request, response) => {
      const status = response.statusCode ?? 0;
      void refusalText(response).then((why) => {
        note(`refused: ${status} ${STATUS_CODES[status] ?? ""}${why === "" ? "" : `: ${why}`}`);
        request.destroy();
        end(status === 503 ? { retryAfter: timeOf(response.headers["retry-after"]) } : EXIT.negative);
      });
    });
    socket.on("error", (error) => {
      note(`failed: ${printable(faultText(error), true)}`);
      if (socket.readyState === WebSocket.CONNECTING) end(EXIT.negative);
    });
    socket.on("close", (code, reason) => {
      note(closeText(code, reason.toString()));
      end([1000, 1001, 1005].includes(code) ? EXIT.ok : EXIT.negative);
    });
  });
}

/** What Node and OpenSSL say of a certificate that leads to no root they know. */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function faultText({ code = "", message }: NodeJS.ErrnoException): string {
  if (!UNTRUSTED.has(code)) return message;
  return `the server's certificate is not trusted (${code}); set NODE_EXTRA_CA_CERTS to the file of the certificate, or of its CA`;
}

/** The time of a Retry-After field (RFC 9110 §10.2.3) in ms, a quarter of a second at least; a second where it is absent or a date. */
function timeOf(retryAfter = ""): number {
  return /^[0-9]{1,6}$/.test(retryAfter) ? Math.max(250, 1000 * Number(retryAfter)) : 1000;
}

function closeText(code: number, reason: string): string {
  if (code === 1006) return "closed without a Close frame (1006)";
  if (code === 1005) return "closed, with no code";
  return `closed: ${code}${reason === "" ? "" : ` ${printable(reason, true)}`}`;
}

function binaryText(data: Buffer): string {
  const shown = data.subarray(0, 32);
  return `(binary, ${data.length} bytes) ${shown.toString("hex")}${shown.length < data.length ? "…" : ""}`;
}
