const TICK = 5;

/**
 * How long the event loop of this process is busy at most without a turn for others. In CPU time: other work of the
 * machine does not count.
 */
export class LoopTurns {
  #last = cpu();
  #longest = 0;

  constructor() {
    setInterval(() => this.#look(), TICK).unref();
  }

  /** In ms, since it was last asked. */
  longest(): number {
    this.#look();
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  #look(): void {
    const now = cpu();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}

function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
