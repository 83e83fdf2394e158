/** How a scenario went: its steps, and the figures that were measured on the way. */
export class Report {
  readonly #say: (line: string) => void;
  readonly steps: { readonly title: string; readonly ms: number; readonly error?: unknown }[] = [];
  readonly figures: { readonly what: string; readonly value: string }[] = [];

  constructor(say: (line: string) => void = console.log) {
    this.#say = say;
  }

  /** One thing that must be so; a scenario ends with the first that is not. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const result = await work();
      this.steps.push({ title, ms: performance.now() - started });
      this.#say(`  ok    ${title} (${seconds(performance.now() - started)})`);
      return result;
    } catch (error) {
      this.steps.push({ title, ms: performance.now() - started, error });
      this.#say(`  FAIL  ${title} (${seconds(performance.now() - started)})`);
      throw error;
    }
  }

  figure(what: string, value: string): void {
    this.figures.push({ what, value });
    this.#say(`        ${what}: ${value}`);
  }

  /** Median, 99th percentile and the worst of a number of times in ms. */
  times(
    what: string,
    samples: readonly number[],
  ): { readonly p50: number; readonly p99: number; readonly max: number } {
    const found = percentiles(samples);
    const [p50, p99, max] = [found.p50, found.p99, found.max].map((ms) => `${Math.round(ms)} ms`);
    this.figure(what, `p50 ${p50}, p99 ${p99}, max ${max} (${samples.length})`);
    return found;
  }
}

/** By nearest rank. */
export function percentiles(samples: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
  return { p50: rank(0.5), p99: rank(0.99), max: sorted.at(-1) ?? Number.NaN };
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
