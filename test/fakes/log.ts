import type { Log } from "../../runtime/log.ts";

const nothing = (): void => {};

/** For what logs and is not asked about it. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
