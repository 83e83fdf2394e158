import type { Log } from "../../runtime/log.ts";

const nothing = (): void => {};

/** A log that drops every line. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
