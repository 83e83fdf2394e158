import type { SessionTap } from "../tunnel/frame-tap.ts";

/** An open session, as a trace of frames sees it. */
export interface TracedSession {
  readonly id: string;
  readonly identity: { readonly client?: string | undefined };
  /** Shows each frame to `tap` from now on; undefined: to none any more. */
  trace(tap: SessionTap | undefined): void;
}
