import type { Method, Proof } from "../identity.ts";
import type { Refusal, Termination } from "../rejection.ts";

/** The client whose credential is verified. */
export interface Asker {
  /** Its address, or /64: what an issuer is asked for counts by it. */
  readonly subject: string;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** One method of authentication, compiled. `Presented`: what it must know of a credential, at least its text. */
export interface Verifier<M extends Method, Presented = string> {
  /** The credential's proof, or why it is refused. If the client leaves, work that other clients share goes on. */
  verify(credential: Presented, asker: Asker): Promise<ProofOf<M> | Refusal>;
  /** Does a proof that was given earlier, maybe under an older config, still hold? */
  review(proof: ProofOf<M>): Termination | undefined;
  /**
   * Calls `end` when the proof ceases to hold without a config change, and `checked` after each question to its issuer about
   * this one proof; the returned function stops the watch.
   */
  watch(proof: ProofOf<M>, end: (termination: Termination) => void, checked?: (outcome: string) => void): () => void;
}

/** The proof that a method gives. */
export type ProofOf<M extends Method> = Extract<Proof, { method: M }>;
