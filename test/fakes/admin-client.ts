import type { AdminClient } from "../../runtime/admin-port/admin-endpoint.ts";

/** A client of the admin port that stays. */
export const STAYING: AdminClient = { address: "192.0.2.1", gone: new AbortController().signal };
