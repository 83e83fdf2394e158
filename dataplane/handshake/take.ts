import { Unavailable } from "../limits/store/link.ts";
import type { PlaceLine, SharedBucket, SharedLimits, TakeAnswer } from "../limits/shared-limits.ts";
import type { TokenLine } from "../policy.ts";

/** What one handshake asks of the store. */
export interface Question {
  readonly buckets: readonly TokenLine[];
  /** Keys with a limit, then those that limits of other routes count. */
  readonly places: readonly PlaceLine[];
  readonly shadow: boolean;
  readonly now: () => number;
}

/**
 * Takes tokens and places, with one question at most: tokens that this process has borrowed already cost none. undefined:
 * the store does not answer. What is to be asked is sent before the first await.
 */
export async function take(question: Question, limits: SharedLimits | undefined): Promise<TakeAnswer | undefined> {
  if (limits?.available !== true) return undefined;
  const { buckets, places, shadow, now } = question;
  const here = buckets.filter(({ pocket }) => pocket?.alone(now()) === false && pocket.available(now()) >= 1);
  const missing = buckets.filter((line) => !here.includes(line));
  if (missing.length + places.length === 0 || (places.length === 0 && missing.every(isBorrowed)))
    return borrow(question, limits);
  const answer = await ask({ buckets: missing, places, shadow }, limits);
  if (answer === undefined) return undefined;
  /** Lines of the question as they stand among all lines. */
  const back = (line: number): number => {
    const bucket = missing[line];
    return bucket === undefined ? line + here.length : buckets.indexOf(bucket);
  };
  if (answer.kind === "refused") return { ...answer, line: back(answer.line) };
  for (const { pocket } of here) pocket?.force(1, now());
  return { ...answer, exceeded: answer.exceeded.map(back) };
}

function isBorrowed({ pocket }: TokenLine): boolean {
  return pocket !== undefined;
}

async function ask(
  lines: Parameters<SharedLimits["places"]["take"]>[0],
  limits: SharedLimits,
): Promise<TakeAnswer | undefined> {
  try {
    return await limits.places.take(lines);
  } catch (fault) {
    if (fault instanceof Unavailable) return undefined;
    throw fault;
  }
}

/** All tokens come out of what is borrowed. Where one is missing, the others are lost to a handshake that is refused. */
async function borrow(question: Question, limits: SharedLimits): Promise<TakeAnswer | undefined> {
  const { buckets, shadow, now } = question;
  const pockets = buckets.flatMap(({ pocket }) => pocket ?? []);
  const spent = await Promise.all(pockets.map((pocket) => spend(pocket, now)));
  if (!limits.available || spent.includes("Alone")) return undefined;
  const exceeded = [...spent.keys()].filter((line) => spent[line] === "Short");
  const [first] = exceeded;
  if (first !== undefined && !shadow)
    return { kind: "refused", line: first, wait: pockets[first]?.wait(1, now()) ?? 0 };
  return { kind: "in", exceeded };
}

/**
 * Takes a token where it is, or where the store has one: what was granted for it is there while `answered` runs, and not
 * later. Alone: the store has failed this pocket, and what the process has by itself decides elsewhere.
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
