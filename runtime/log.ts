import { pino, destination } from "pino";

/** Fields of a line; `err` may hold an Error. */
export type Fields = Readonly<Record<string, unknown>>;

/** A log. Callers write one line for each state change, none for a message. */
export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

export type Level = "debug" | "info" | "warn" | "error" | "silent";

/** The log of a process. */
export interface ProcessLog extends Log {
  level: Level;
  /** Number of lines that were dropped because the reader of the log was too slow or gone. */
  dropped(): number;
  /** Writes out the buffered lines; resolves after half a second at the latest. */
  flush(): Promise<void>;
}

/** Longest time that a line stays in the buffer, in ms. */
const FLUSH = 150;
/** Bytes that are buffered for a reader that does not read; further lines are dropped, so that the process goes on. */
const MAX_BUFFERED = 1_048_576;

/** A log of JSON lines on a file descriptor; 1 is standard output. */
export function processLog(level: Level, fd = 1): ProcessLog {
  let lost = 0;
  const output = destination({ fd, sync: false, minLength: 4096, maxLength: MAX_BUFFERED, periodicFlush: FLUSH });
  output.on("drop", () => (lost += 1));
  output.on("error", () => (lost += 1)); // the reader closed the pipe: the process goes on without a log
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
  return {
    get level() {
      return logger.level as Level;
    },
    set level(wanted) {
      logger.level = wanted;
    },
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    dropped: () => lost,
    flush: () =>
      new Promise((resolve) => {
        setTimeout(resolve, 500).unref();
        output.flush(() => resolve());
      }),
  };
}

/** Characters that begin a line, move the cursor, or change the direction of the text behind them. */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text from the network for the log: on one line, without halves of characters, at most `most` characters and an ellipsis. */
export function bounded(text: string, most = 256): string {
  const plain = text.slice(0, most).toWellFormed().replace(UNPRINTABLE, "\uFFFD");
  return text.length <= most ? plain : `${plain}…`;
}
