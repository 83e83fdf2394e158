import { failureIn, type LiveFailure } from "./live-failure.ts";
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
  const failures = failed.length === 0 ? [] : await stillThere(target, failed, signal);
  const [first] = failures;
  if (answers.length === 0 && first !== undefined) throw first.failure;
  return { answers: byName(answers), failures: byName(failures) };
}

/** Without those of processes that have ended, or are about to. */
async function stillThere<F extends { readonly place: Place; readonly failure: LiveFailure }>(
  target: Target,
  failed: readonly F[],
  signal: AbortSignal,
): Promise<readonly F[]> {
  if (target.single) return failed;
  const now = new Map((await target.places(signal)).map((place) => [place.id, place]));
  return failed.filter(({ place, failure }) => {
    const found = now.get(place.id);
    return found !== undefined && (failure.kind !== "Unreachable" || !found.leaving);
  });
}

function byName<T extends { readonly place: Place }>(list: readonly T[]): readonly T[] {
  return list.toSorted((one, other) => (one.place.name < other.place.name ? -1 : 1));
}
