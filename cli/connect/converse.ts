import { STATUS_CODES } from "node:http";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
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

/**
 * Connects, sends each line of standard input, prints what comes, and closes after `wait` ms without a message behind
 * the end of the input. Resolves with the exit code.
 */
export function converse(dial: Dial, wait: number, { stdin, out, err, signals }: CommandIO): Promise<number> {
  const { stop, now } = signals();
  const plain = out.isTTY === true;
  const note = (text: string): void => void err.write(`${text}\n`);
  return new Promise((resolve) => {
    const { url, headers, protocols } = dial;
    const options = { headers, maxPayload: MAX_MESSAGE, handshakeTimeout: PATIENCE };
    const socket = new WebSocket(url, [...protocols], options);
    const lines = createInterface({ input: stdin, terminal: false });
    lines.pause();
    let silence: NodeJS.Timeout | undefined;
    let inputEnded = false;
    const closeNormally = (): void => socket.close(1000);
    const waitForSilence = (): void => {
      clearTimeout(silence);
      if (inputEnded) silence = setTimeout(closeNormally, wait);
    };
    const end = (code: number): void => {
      clearTimeout(silence);
      lines.close();
      resolve(code);
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
        end(EXIT.negative);
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

function closeText(code: number, reason: string): string {
  if (code === 1006) return "closed without a Close frame (1006)";
  if (code === 1005) return "closed, with no code";
  return `closed: ${code}${reason === "" ? "" : ` ${printable(reason, true)}`}`;
}

function binaryText(data: Buffer): string {
  const shown = data.subarray(0, 32);
  return `(binary, ${data.length} bytes) ${shown.toString("hex")}${shown.length < data.length ? "…" : ""}`;
}
