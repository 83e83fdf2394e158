import { z } from "zod";
import { labelValue, textMap } from "../maps.ts";
import { timestamp } from "../names.ts";
import { rule } from "../rule.ts";
import { from } from "./credential-place.ts";
import { client, text } from "./method-fields.ts";

const requirement = rule(
  z.strictObject({
    key: text(317).describe("Key of the label."),
    operator: z
      .enum(["In", "NotIn", "Exists", "DoesNotExist"])
      .describe("How the label relates to the values. NotIn also holds for a Secret without the label."),
    values: z.array(labelValue).max(64).optional().describe("Values, with In and NotIn."),
  }),
  {
    cel: "self.operator.endsWith('In') == (has(self.values) && size(self.values) > 0)",
    message: "In and NotIn need at least one value, Exists and DoesNotExist take none",
    field: "values",
  },
  (it) => it.operator.endsWith("In") === (it.values ?? []).length > 0,
).describe("One requirement.");

const selectorFields = z.strictObject({
  matchLabels: textMap(labelValue).optional().describe("Labels that a Secret must have; every one is needed."),
  matchExpressions: z
    .array(requirement)
    .max(16)
    .optional()
    .describe("Requirements that must hold; every one is needed."),
});

/** Which Secrets hold API keys: a Kubernetes label selector. */
export type LabelSelector = z.output<typeof selectorFields>;

/**
 * Does a selector require a label? One that only excludes would also find Secrets that have nothing to do with API
 * keys.
 */
export function asksForLabel({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return (
    Object.keys(matchLabels).length > 0 ||
    matchExpressions.some(({ operator }) => operator === "In" || operator === "Exists")
  );
}

const labelSelector = rule(
  selectorFields,
  {
    cel: "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && self.matchExpressions.exists(e, e.operator == 'In' || e.operator == 'Exists'))",
    message:
      "must ask for a label, by matchLabels or by In or Exists: else every Secret of the namespace that is not excluded would be a source of API keys",
  },
  asksForLabel,
);

/** API keys in Secrets, as users write the method. */
export const apiKey = z.strictObject({
  from: from({ header: "x-api-key" }, { query: "apikey" }),
  secretSelector: labelSelector.describe(
    "Selects the Secrets that hold API keys: in an entry, the name is the client id and the value is the key. It must require at least one label.",
  ),
});

/** One API key: its digest, never the key. */
const apiKeyEntry = z.strictObject({
  client,
  /** SHA-256 of the key, base64url without padding. */
  digest: z.string().length(43),
  /** RFC 3339. */
  expiresAt: timestamp.optional(),
  disabled: z.boolean(),
});

/** The same as the data plane gets it: with the keys that were found. */
export const renderedApiKey = z.strictObject({
  from: from(),
  secretSelector: selectorFields.optional(),
  keys: z.array(apiKeyEntry).max(100_000),
});
