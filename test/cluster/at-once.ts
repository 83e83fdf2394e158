/**
 * Does independent things at the same time, so that their waits are shared. All of them come to their end before the first
 * failure is thrown: the others still tell how they went.
 */
export async function atOnce(...works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const ends = await Promise.allSettled(works.map((work) => work()));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
