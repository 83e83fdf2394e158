import { Unavailable } from "../limits/store/link.ts";
import type { PlaceLine, SharedLimits, TakeAnswer } from "../limits/shared-limits.ts";
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
  const here = buckets.filter(({ pocket }) => pocket !== undefined && pocket.available(now()) >= 1);
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

/** All tokens come out of what is borrowed, all or none. */
async function borrow(question: Question, limits: SharedLimits): Promise<TakeAnswer | undefined> {
  const { buckets, shadow, now } = question;
  const pockets = buckets.flatMap(({ pocket }) => pocket ?? []);
  const asked = pockets
    .filter((pocket) => pocket.available(now()) < 1 && pocket.unknown(1, now()))
    .map((pocket) => new Promise<void>((answered) => void pocket.ask(1, now(), answered)));
  if (asked.length > 0) {
    await Promise.all(asked);
    if (!limits.available) return undefined;
  }
  const exceeded = [...pockets.keys()].filter((line) => (pockets[line]?.available(now()) ?? 0) < 1);
  const [first] = exceeded;
  if (first !== undefined && !shadow)
    return { kind: "refused", line: first, wait: pockets[first]?.wait(1, now()) ?? 0 };
  for (const [line, pocket] of pockets.entries()) if (!exceeded.includes(line)) pocket.take(1, now());
  return { kind: "in", exceeded };
}
