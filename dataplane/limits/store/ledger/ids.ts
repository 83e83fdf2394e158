/** Former ids that are remembered: of all others the time to live has ended. */
const MOST_FORMER = 64;

/** The names under which a process is known to the store: one for each connection, so that an old one does not count. */
export class PlaceIds {
  readonly #incarnation: string;
  #made = 0;
  #current = "";
  #former: string[] = [];

  /** `incarnation`: chosen by chance when the process begins, without a space. */
  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  /** Under this id the process joined last; '' before. */
  get current(): string {
    return this.#current;
  }

  /** Ids that may still count for something in the store. */
  get former(): readonly string[] {
    return this.#former;
  }

  /** A new id; the one before it is former. */
  next(): string {
    if (this.#current !== "") this.#former = [...this.#former, this.#current].slice(-MOST_FORMER);
    this.#made += 1;
    this.#current = `${this.#incarnation}.${this.#made.toString(36)}`;
    return this.#current;
  }

  /** The store dropped these. */
  dropped(ids: readonly string[]): void {
    this.#former = this.#former.filter((id) => !ids.includes(id));
  }
}
