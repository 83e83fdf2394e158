import { EXIT } from "../line/exit-codes.ts";

/** What keeps a command from the admin port of a gateway, with the exit code of a command that ends for it. */
const KINDS = {
  /** The API server or a gateway does not allow it. */
  NoRight: EXIT.noPermission,
  /** The gateway does not take the token. */
  WrongToken: EXIT.noPermission,
  /** There is no proxy of that name. */
  NoProxy: EXIT.negative,
  /** The proxy has no pods, or none of them runs yet. */
  NoPods: EXIT.unavailable,
  /** The gateway is of a version that cannot answer the question. */
  Old: EXIT.negative,
  /** What was asked about is not there. */
  Absent: EXIT.negative,
  /** The gateway refuses the question. */
  Refused: EXIT.negative,
  /** No answer, or none in time. */
  Unreachable: EXIT.unavailable,
  /** The answer is none of a gateway, or is too long. */
  Nonsense: EXIT.unavailable,
  /** There is no kubeconfig, no cluster, or no file with a token. */
  NoTarget: EXIT.unavailable,
} as const;

export type FailureKind = keyof typeof KINDS;

/** A failure in one sentence for the person who typed the command; it never holds a token. */
export class LiveFailure extends Error {
  override readonly name = "LiveFailure";
  readonly kind: FailureKind;
  /** Status with which a gateway refused; undefined: there was no such answer. */
  readonly status: number | undefined;

  constructor(kind: FailureKind, sentence: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(sentence, options);
    this.kind = kind;
    this.status = status;
  }

  get exit(): number {
    return KINDS[this.kind];
  }
}

/** The failure among errors; every other error is a fault, and is thrown on. */
export function failureIn(error: unknown): LiveFailure {
  if (error instanceof LiveFailure) return error;
  throw error;
}
