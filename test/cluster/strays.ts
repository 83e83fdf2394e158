/** Where Node reports errors that no code catches: the process. */
interface Source {
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): unknown;
}

type Tell = (error: unknown) => void;

/** An error that no code catches ends what is under way, and not the process with all other work. */
export class Strays {
  readonly #tells: Tell[];

  /** `otherwise` is told while nothing is under way. */
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
