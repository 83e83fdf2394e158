import { failureIn, LiveFailure } from "./live-failure.ts";
import type { Place, Target } from "./target.ts";

/** Processes that are asked at the same time. */
const AT_ONCE = 16;

/** What came of asking each process of a gateway. */
export interface Answers<T> {
  /** By name of the place. */
  readonly answers: readonly { readonly place: Place; readonly value: T }[];
  /** Processes that are there and gave no answer. Those that ended meanwhile are in neither list. */
  readonly failures: readonly { readonly place: Place; readonly failure: LiveFailure }[];
}

/**
 * Asks each process, a few at a time. Rejects with LiveFailure where no process can be found, or all of them fail.
 * `each` rejects with LiveFailure.
 */
export async function askAll<T>(
  target: Target,
  each: (place: Place, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<Answers<T>> {
  const places = await target.places(signal);
  const answers: { place: Place; value: T }[] = [];
  const failed: { place: Place; failure: LiveFailure }[] = [];
  const waiting = places.values();
  const worker = async (): Promise<void> => {
    for (const place of waiting) {
      try {
        answers.push({ place, value: await each(place, signal) });
      } catch (error) {
        failed.push({ place, failure: failureIn(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const now = failed.length === 0 ? undefined : await placesNow(target, signal);
  // The last pods have ended.
  if (now instanceof LiveFailure && answers.length === 0) throw now;
  const failures = failed.filter((one) => now === undefined || isThere(one, now));
  const [first] = failures;
  if (answers.length === 0 && first !== undefined) throw first.failure;
  return { answers: byName(answers), failures: byName(failures) };
}

/** The processes that run now, or why there are none; undefined: they cannot be found out, or do not change. */
async function placesNow(target: Target, signal: AbortSignal): Promise<readonly Place[] | LiveFailure | undefined> {
  if (target.single) return undefined;
  try {
    return await target.places(signal);
  } catch (error) {
    const failure = failureIn(error);
    return failure.kind === "NoPods" ? failure : undefined;
  }
}

/** Is the process there, and not about to end? Else it is no failure that it does not answer. */
function isThere(
  { place, failure }: { readonly place: Place; readonly failure: LiveFailure },
  now: readonly Place[] | LiveFailure,
): boolean {
  if (now instanceof LiveFailure) return false;
  const found = now.find(({ id }) => id === place.id);
  return found !== undefined && (failure.kind !== "Unreachable" || !found.leaving);
}

function byName<T extends { readonly place: Place }>(list: readonly T[]): readonly T[] {
  return list.toSorted((one, other) => (one.place.name < other.place.name ? -1 : 1));
}
