import type { ProxyPod } from "../live/cluster/proxy-pods.ts";
import type { LiveFailure } from "../live/live-failure.ts";
import type { Backends } from "./backend-facts.ts";
import type { ProcessFacts } from "./process-facts.ts";
import type { ProxyFacts } from "./proxy-facts.ts";

/** All that was found out of a gateway. What could not be read is absent, and `gaps` says why. */
export interface Facts {
  /** `<namespace>/<name>`, or the address of the process. */
  readonly title: string;
  /** One process that was named by its URL. */
  readonly single: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly proxy?: ProxyFacts;
  readonly pods?: readonly ProxyPod[];
  readonly backends?: Backends;
  readonly processes: readonly ProcessFacts[];
  readonly gaps: readonly LiveFailure[];
}
