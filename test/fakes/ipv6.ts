import { networkInterfaces } from "node:os";

/** Is there an IPv6 loopback? Without one, tests that need it are skipped, and the end of the run says so. */
export const ipv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
