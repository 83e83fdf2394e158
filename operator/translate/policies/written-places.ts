import type { CredentialPlace } from "../../../api/policies/credential-place.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";

/** A place for a credential, and its path below the policies. */
interface WrittenPlace {
  readonly place: CredentialPlace;
  readonly path: readonly (string | number)[];
}

/** Every place that a user names for a credential, of all methods and issuers. */
export function writtenPlaces(authentication: PoliciesSpec["authentication"]): WrittenPlace[] {
  const { apiKey, jwt = [], introspection } = authentication ?? {};
  return [
    { path: ["apiKey"], from: apiKey?.from ?? [] },
    ...jwt.map(({ from }, index) => ({ path: ["jwt", index], from })),
    { path: ["introspection"], from: introspection?.from ?? [] },
  ].flatMap(({ path, from }) =>
    from.map((place, index) => ({ place, path: ["authentication", ...path, "from", index] })),
  );
}
