/** How the suite judged one case. */
export interface CaseResult {
  /** How the messages went. */
  readonly behavior: string;
  /** How the connection ended. */
  readonly behaviorClose: string;
}

export type Verdicts = Readonly<Record<string, CaseResult>>;

export interface Worse {
  readonly case: string;
  readonly direct: string;
  readonly proxied: string;
}

/** From best to worst. A case that only observes is as good as one that passes; a word that is not here is the worst. */
const ranks = new Map([
  ["OK", 0],
  ["INFORMATIONAL", 0],
  ["NON-STRICT", 1],
  ["FAILED BY CLIENT", 1],
  ["UNIMPLEMENTED", 2],
  ["UNCLEAN", 2],
  ["WRONG CODE", 2],
  ["NO_CLOSE", 2],
  ["FAILED", 3],
]);
const WORST = 4;

/** The cases that went worse through the gateway than without it; one that was not run is worse than any result. */
export function worse(direct: Verdicts, proxied: Verdicts): Worse[] {
  return Object.entries(direct)
    .filter(([name, verdict]) => {
      const other = proxied[name];
      return (
        other === undefined ||
        rank(other.behavior) > rank(verdict.behavior) ||
        rank(other.behaviorClose) > rank(verdict.behaviorClose)
      );
    })
    .map(([name, verdict]) => ({ case: name, direct: words(verdict), proxied: words(proxied[name]) }));
}

function rank(word: string): number {
  return ranks.get(word) ?? WORST;
}

function words(verdict: CaseResult | undefined): string {
  return verdict === undefined ? "not run" : `${verdict.behavior}, close ${verdict.behaviorClose}`;
}
