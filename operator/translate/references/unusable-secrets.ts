import type { LabelSelector } from "../../../api/policies/api-key-method.ts";
import type { Lookup, ReferenceProblem } from "./lookup.ts";
import { matches } from "./selector.ts";
import { undecodedWords } from "./undecoded.ts";

/** Secrets that are named one by one. */
const MOST_TOLD = 20;

/** A problem for each Secret that a selector finds, by the labels that are known of it, and that cannot be used at all. */
export function unusableSecrets(selector: LabelSelector, { undecoded, namespace }: Lookup): ReferenceProblem[] {
  return undecoded.secrets
    .filter(({ metadata }) => matches(selector, metadata.labels))
    .slice(0, MOST_TOLD)
    .map((secret) => ({
      reason: "SecretInvalid",
      message: undecodedWords(secret),
      at: "metadata",
      object: `Secret ${namespace}/${secret.metadata.name}`,
    }));
}

/** Where no Secret has the labels of a selector: those whose labels are not known. */
export function unsearchedWords({ undecoded }: Lookup): string {
  const [first, ...more] = undecoded.secrets.filter(({ labelsLeftOut }) => labelsLeftOut === true);
  if (first === undefined) return "";
  return `. Secret ${first.metadata.name}${more.length === 0 ? "" : ` (and ${more.length} more)`} ${first.words}`;
}
