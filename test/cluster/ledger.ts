import { writeFile } from "node:fs/promises";
import type { Dial, Ending, Entry } from "./entry.ts";
import { Session } from "./session.ts";

/** A book of all sessions of a scenario. Nothing in it is ever taken back. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly #sessions: Session[] = [];

  /** Dials; resolves with an open session or rejects with the refusal. Both are in the book. */
  open(url: string, dial: Dial = {}): Promise<Session> {
    return this.dial(url, dial).opened();
  }

  /** Dials, and leaves it to the caller to wait. */
  dial(url: string, dial: Dial = {}): Session {
    const entry: Entry = {
      id: this.entries.length + 1,
      as: dial.as ?? "",
      url,
      greetings: dial.greetings ?? 0,
      dialled: Date.now(),
      opened: undefined,
      backend: undefined,
      certificate: undefined,
      refused: undefined,
      sent: [],
      received: [],
      closed: undefined,
      error: undefined,
    };
    this.entries.push(entry);
    const session = new Session(entry, dial);
    this.#sessions.push(session);
    return session;
  }

  /** Sessions that are open now. */
  get live(): Session[] {
    return this.#sessions.filter(({ isOpen }) => isOpen);
  }

  /** Handshakes that were answered with anything but a 101, or with nothing. */
  get refusals(): Entry[] {
    return this.entries.filter(({ opened, refused, closed }) => opened === undefined && (refused ?? closed));
  }

  /** Those that ended after their 101. */
  get ended(): (Entry & { closed: Ending })[] {
    return this.entries.filter(
      (entry): entry is Entry & { closed: Ending } => entry.opened !== undefined && entry.closed !== undefined,
    );
  }

  /** What is wrong with the order of echoes: in each session they are the messages sent, in order, without a gap. */
  disorder(): string[] {
    return this.entries.flatMap(({ id, as, greetings, sent, received }) => {
      const echoes = received.slice(greetings);
      const wrong = echoes.findIndex(({ text }, index) => text !== sent[index]?.text);
      const [got, wanted] = [echoes[wrong]?.text, sent[wrong]?.text];
      return wrong === -1 ? [] : [`session ${id} (${as}): message ${wrong + 1} is "${got}" instead of "${wanted}"`];
    });
  }

  /** Ends what is open, as a client does that goes away. */
  async end(): Promise<void> {
    await Promise.all(this.live.map((session) => session.close()));
  }

  /** One line of JSON for each session. */
  async write(file: string): Promise<void> {
    await writeFile(file, this.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }
}
