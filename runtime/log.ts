import { pino, destination } from "pino";

/** Fields of a line; `err` may hold an Error. */
export type Fields = Readonly<Record<string, unknown>>;

/** What everything that logs is given. One line for each state change. */
export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

export type Level = "debug" | "info" | "warn" | "error" | "silent";

/** A process's log. */
export interface ProcessLog extends Log {
  level: Level;
  /** Lines lost because the reader did not take them in time. */
  dropped(): number;
  /** Writes out what is buffered; bounded in time. */
  flush(): Promise<void>;
}

/** Lines are written at the latest after this time, in ms. */
const FLUSH = 150;
/** Bytes kept for a reader that has stopped; beyond it lines are dropped, so that it never stops us. */
const MAX_BUFFERED = 1_048_576;

/** JSON lines on a file descriptor, 1 by default. */
export function processLog(level: Level, fd = 1): ProcessLog {
  let lost = 0;
  const sink = destination({ fd, sync: false, minLength: 4096, maxLength: MAX_BUFFERED, periodicFlush: FLUSH });
  sink.on("drop", () => (lost += 1));
  sink.on("error", () => (lost += 1)); // the reader has gone: the product goes on without it
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
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
        sink.flush(() => resolve());
      }),
  };
}

/** Text from the network as it may stand in a log: no control characters, bounded in length. */
export function bounded(text: string, most = 256): string {
  // eslint-disable-next-line no-control-regex
  const plain = text.slice(0, most).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "\uFFFD");
  return text.length <= most ? plain : `${plain}…`;
}
