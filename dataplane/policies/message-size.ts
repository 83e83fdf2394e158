import { parseSize } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

const orUnlimited = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);

/** Size and fragments of whole messages; the tunnel sums them frame by frame, before it forwards any byte of a frame. */
export const messageSize: PolicyCompiler<"messageSize"> = ofSettings("messageSize", (settings) => {
  const fromClient = orUnlimited(parseSize(settings.fromClient));
  const fromBackend = orUnlimited(parseSize(settings.fromBackend));
  const maxFragments = orUnlimited(settings.maxFragments);
  return {
    plan(_party, draft) {
      draft.fromClient.maxMessage = fromClient;
      draft.fromBackend.maxMessage = fromBackend;
      draft.fromClient.maxFragments = maxFragments;
      draft.fromBackend.maxFragments = maxFragments;
    },
  };
});
