import { get, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { configReport, REPORT, type ProxyReport } from "../../api/report.ts";
import type { Clock } from "../../runtime/clock.ts";
import { readBody } from "../../runtime/bounded-body.ts";
import { hostPort } from "../../runtime/host-port.ts";

/** What came of asking a pod which config it serves. */
export type PodAnswer =
  | { readonly kind: "report"; readonly report: ProxyReport }
  /** It does not know the token yet. */
  | { readonly kind: "unsynced" }
  /** No answer, or none in time. */
  | { readonly kind: "silent" }
  /** Nothing that a data plane of ours would say; `words` quote none of it. */
  | { readonly kind: "nonsense"; readonly words: string };

/** A question to one pod. */
export interface Question {
  /** Of the pod. */
  readonly address: string;
  /** Its admin port; undefined: that of all pods. */
  readonly port?: number | undefined;
  /** `<namespace>/<name>`: the proxy that is asked about. */
  readonly proxy: string;
  /** undefined: it is not known. */
  readonly token: string | undefined;
}

export type AskPod = (question: Question, signal: AbortSignal) => Promise<PodAnswer>;

/** Milliseconds for a pod's whole answer. */
const PATIENCE = 500;
/** Bytes of a head; a data plane's takes 300. */
const LARGEST_HEAD = 2048;
/** Bytes that are read in all, whatever they are: interim answers, heads, the frames of chunks, trailers. */
const LARGEST_ANSWER = 4 * REPORT.largest;

const SILENT: PodAnswer = { kind: "silent" };

/**
 * Asks pods at `/config` on this port, unless the question names another one, each over a connection of its own. A pod may be in hostile hands: its answer is
 * bounded in time and size, no redirect is followed, and only what the schema knows is taken from it.
 */
export function askPods(ofAll: number, clock: Clock): AskPod {
  return ({ address, port = ofAll, proxy, token }, signal) => {
    // A name would be looked up, and lead anywhere.
    if (isIP(address) === 0) return Promise.resolve(nonsense("its address is none"));
    return new Promise((resolve) => {
      const over = new AbortController();
      const timer = clock.after(PATIENCE, () => over.abort());
      const settle = (answer: PodAnswer): void => {
        timer.cancel();
        over.abort(); // nothing is read behind it
        resolve(answer);
      };
      const request = get({
        host: address,
        port,
        path: "/config",
        headers: {
          host: hostPort(address, port),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        agent: false,
        maxHeaderSize: LARGEST_HEAD,
        signal: AbortSignal.any([over.signal, signal]),
      });
      request.on("socket", (socket) => {
        let size = 0;
        socket.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > LARGEST_ANSWER) settle(nonsense(`its answer is longer than ${REPORT.largest} bytes`));
        });
      });
      request.on("information", () => settle(nonsense("it gives interim answers")));
      request.on("upgrade", (_response, socket) => {
        socket.destroy();
        settle(nonsense("it changes the protocol"));
      });
      request.on("response", (response) => read(response, proxy, settle));
      request.on("error", (error: NodeJS.ErrnoException) =>
        settle(
          error.code?.startsWith("HPE_") === true ? nonsense("its answer is no HTTP, or has a head too long") : SILENT,
        ),
      );
    });
  };
}

function read(response: IncomingMessage, proxy: string, settle: (answer: PodAnswer) => void): void {
  const { statusCode, headers } = response;
  response.on("error", () => settle(SILENT));
  if (statusCode === 401) return settle({ kind: "unsynced" });
  if (statusCode !== 200) return settle(nonsense(`it answers with status ${statusCode}`));
  if (!/^application\/json(;|$)/i.test(headers["content-type"] ?? ""))
    return settle(nonsense("its answer is not JSON"));
  readBody(response, { bytes: REPORT.largest }, ({ end, bytes }) => {
    if (end === "TooLong") return settle(nonsense(`its answer is longer than ${REPORT.largest} bytes`));
    settle(end === "Broken" ? SILENT : answerIn(bytes.toString("utf8"), proxy));
  });
}

function answerIn(text: string, proxy: string): PodAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return nonsense("its answer is not JSON");
  }
  const parsed = configReport.safeParse(value);
  if (!parsed.success) return nonsense("its answer is not of the form of a report");
  const report = parsed.data.proxies.find((one) => one.proxy === proxy);
  if (report === undefined) return nonsense("it does not tell of this proxy");
  const { rejected } = report;
  if (rejected === undefined) return { kind: "report", report };
  return { kind: "report", report: { ...report, rejected: { ...rejected, problems: rejected.problems.map(plain) } } };
}

/** A pod's words as they may stand in a status: on one line, and without what a terminal would act on. */
function plain(words: string): string {
  // eslint-disable-next-line no-control-regex
  return words.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, " ");
}

function nonsense(words: string): PodAnswer {
  return { kind: "nonsense", words };
}
