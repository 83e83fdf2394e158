/**
 * Returns a function that schedules `run` for the next turn of the event loop: once, however often it is called before.
 */
export function onceATurn(run: () => void): () => void {
  let due = false;
  const turn = (): void => {
    due = false;
    run();
  };
  return () => {
    if (due) return;
    due = true;
    setImmediate(turn);
  };
}
