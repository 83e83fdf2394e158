/** How many sessions and handshakes under way each subject has now. Exact whatever the config, so that a new limit counts what is open already. */
export class Occupancy {
  readonly #counts = new Map<string, number>();

  /** Open ones under this subject. */
  of(subject: string): number {
    return this.#counts.get(subject) ?? 0;
  }

  /** Counts one more under each subject; the returned function takes it back, once. */
  enter(subjects: readonly string[]): () => void {
    for (const subject of subjects) this.#counts.set(subject, this.of(subject) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      for (const subject of subjects) {
        const left = this.of(subject) - 1;
        if (left > 0) this.#counts.set(subject, left);
        else this.#counts.delete(subject);
      }
    };
  }

  /** Number of subjects; 0 when nothing is open. */
  get size(): number {
    return this.#counts.size;
  }
}
