import { cutToWidth } from "../line/display-width.ts";
import type { CommandIO } from "../line/command.ts";

/** Where a command shows a text that it makes anew again and again. */
export interface Screen {
  /** `head`: lines that are always seen. Of `body` a terminal shows as many lines as there is room for. */
  show(head: string, body: string): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

type Out = CommandIO["out"] & { readonly columns?: number; readonly rows?: number };

/** Size of a terminal that does not say it. */
const USUAL = { columns: 80, rows: 24 } as const;

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const TOP = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * On a terminal, a screen of its own that each text fills anew; else, and on one that knows no cursor (TERM is `dumb`), each
 * text is printed behind the last one.
 */
export function screenFor(out: Out, { TERM }: NodeJS.ProcessEnv): Screen {
  return out.isTTY === true && TERM !== "dumb" ? new TerminalScreen(out) : new PlainScreen(out);
}

class TerminalScreen implements Screen {
  readonly #out: Out;
  /** Also where the process ends with a fault. */
  readonly #restore = (): void => void this.#out.write(LEAVE);

  constructor(out: Out) {
    this.#out = out;
    process.once("exit", this.#restore);
    out.write(ENTER);
  }

  show(head: string, body: string): void {
    const { columns = USUAL.columns, rows = USUAL.rows } = this.#out;
    const lines = linesOf(head + body);
    // The line break behind the last line would scroll.
    const room = Math.max(1, rows);
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
    const text = shown.map((line) => `${cutToWidth(line, columns)}${CLEAR_LINE}`).join("\r\n");
    this.#out.write(`${TOP}${text}${CLEAR_BELOW}`);
  }

  close(): void {
    process.off("exit", this.#restore);
    this.#restore();
  }
}

class PlainScreen implements Screen {
  readonly #out: Out;
  #begun = false;

  constructor(out: Out) {
    this.#out = out;
  }

  show(head: string, body: string): void {
    this.#out.write(`${this.#begun ? "\n" : ""}${head}${body}`);
    this.#begun = true;
  }

  close(): void {}
}

function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, "").split("\n");
}
