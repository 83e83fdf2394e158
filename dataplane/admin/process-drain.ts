/** The one drain of a process: a signal begins it, or a request at the admin port; it never ends a second time. */
export class ProcessDrain {
  readonly #begun = new AbortController();
  readonly #over = new AbortController();

  /** Aborts when the drain begins. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  /** Aborts when the drain is over: no session is left. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Only the first call counts. */
  begin(): void {
    this.#begun.abort();
  }

  ended(): void {
    this.#over.abort();
  }
}
