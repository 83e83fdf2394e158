import { Unavailable } from "../limits/store/link.ts";
import type { PlaceLine, SharedBucket, SharedLimits, TakeAnswer, TakeLines } from "../limits/shared-limits.ts";
import type { TokenLine } from "../policy.ts";

/** What one handshake asks of the store. */
export interface Question {
  readonly buckets: readonly TokenLine[];
  readonly places: readonly PlaceLine[];
  readonly shadow: boolean;
  readonly now: () => number;
}

/**
 * Takes tokens and places, with one question at most: a token that this process has borrowed already costs none. undefined:
 * the store does not answer. What is to be asked is sent before the first await.
 */
export async function take(question: Question, limits: SharedLimits | undefined): Promise<TakeAnswer | undefined> {
  if (limits?.available !== true) return undefined;
  const { buckets, places, shadow, now } = question;
  const [only] = buckets;
  // Two of them could not be had all or none.
  if (only?.pocket !== undefined && buckets.length === 1 && places.length === 0)
    return borrow(only.pocket, question, limits);
  const loans = buckets.map(({ pocket }) => pocket?.lend(now()));
  const missing = buckets.filter((_bucket, line) => loans[line] === undefined);
  let used = true;
  let answer: TakeAnswer | undefined;
  try {
    answer = await ask({ buckets: missing, places, shadow }, limits);
    // Tokens are taken all or none, as the store takes those that it has.
    used = answer?.kind !== "refused" || answer.line >= missing.length;
  } finally {
    for (const loan of loans) loan?.end(used);
  }
  if (answer === undefined) return undefined;
  /** A line of what was asked, as it stands among all lines. */
  const back = (line: number): number => {
    const bucket = missing[line];
    return bucket === undefined ? line - missing.length + buckets.length : buckets.indexOf(bucket);
  };
  if (answer.kind === "refused") return { ...answer, line: back(answer.line) };
  return { ...answer, exceeded: answer.exceeded.map(back) };
}

async function ask(lines: TakeLines, limits: SharedLimits): Promise<TakeAnswer | undefined> {
  if (lines.buckets.length + lines.places.length === 0) return { kind: "in", exceeded: [] };
  try {
    return await limits.places.take(lines);
  } catch (fault) {
    if (fault instanceof Unavailable) return undefined;
    throw fault;
  }
}

/** One token of what is borrowed; where none is here, some are borrowed now. */
async function borrow(
  pocket: SharedBucket,
  { shadow, now }: Question,
  limits: SharedLimits,
): Promise<TakeAnswer | undefined> {
  const outcome = await spend(pocket, now);
  if (!limits.available || outcome === "Alone") return undefined;
  if (outcome === "Spent") return { kind: "in", exceeded: [] };
  return shadow ? { kind: "in", exceeded: [0] } : { kind: "refused", line: 0, wait: pocket.wait(1, now()) };
}

/**
 * Takes a token where it is, or where the store has one. What the store grants is there while `answered` runs, and not
 * later; an answer may be that to an earlier question. Alone: the store has failed this pocket.
 */
function spend(pocket: SharedBucket, now: () => number): Promise<"Spent" | "Short" | "Alone"> {
  return new Promise((resolve) => {
    const answered = (): void => {
      if (pocket.alone(now())) resolve("Alone");
      else if (pocket.take(1, now())) resolve("Spent");
      else if (pocket.unknown(1, now())) pocket.ask(1, now(), answered);
      else resolve("Short");
    };
    answered();
  });
}
