/** Where Node tells of errors that nobody catches: the process. */
interface Source {
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): unknown;
}

type Tell = (error: unknown) => void;

/** Errors that nobody catches end whatever is under way, and not the process with everybody else's work. */
export class Strays {
  readonly #tells: Tell[];

  /** `otherwise` is told while nobody else is to be. */
  constructor(source: Source, otherwise: Tell) {
    this.#tells = [otherwise];
    const tell: Tell = (error) => this.#tells.at(-1)?.(error);
    source.on("uncaughtException", tell);
    source.on("unhandledRejection", tell);
  }

  /** From now on these are told; the returned function takes that back. */
  tell(those: Tell): () => void {
    this.#tells.push(those);
    return () => void this.#tells.splice(this.#tells.lastIndexOf(those), 1);
  }
}
