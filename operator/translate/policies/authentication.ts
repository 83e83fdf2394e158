import { apiKeys } from "../references/api-keys.ts";
import { keySet } from "../references/key-set.ts";
import type { Found, Lookup, ReferenceProblem } from "../references/lookup.ts";
import { login } from "../references/secrets.ts";
import type { RenderedOf, SpecOf } from "../../../api/policies/index.ts";
import type { ResolvedPolicy, Resolver } from "./policy.ts";

type AuthenticationSettings = SpecOf<"authentication"> | RenderedOf<"authentication">;

/** Puts keys and credentials beside the references to them. A method without its keys or credentials admits no client. */
export const authentication: Resolver<"authentication"> = (settings, { at, lookup }) =>
  settings === undefined ? { value: undefined } : lookup.once(settings, () => resolve(settings, at, lookup));

function resolve(settings: AuthenticationSettings, at: string, lookup: Lookup): ResolvedPolicy<"authentication"> {
  const { require, apiKey, jwt, introspection } = settings;
  const problems: ReferenceProblem[] = [];
  const take = <T>({ value, problems: more }: Found<T>): T | undefined => {
    problems.push(...more);
    return value;
  };
  const value: RenderedOf<"authentication"> = { require };
  if (apiKey !== undefined) {
    const selector = apiKey.secretSelector;
    const keys = selector === undefined ? [] : take(apiKeys(selector, `${at}.apiKey.secretSelector`, lookup));
    value.apiKey = { ...apiKey, keys: keys ?? [] };
  }
  if (jwt !== undefined) {
    value.jwt = jwt.map((issuer, index) => {
      const { uri, allowHttp, secretName, configMapName, key } = issuer.jwks;
      const reference = { secretName, configMapName, key };
      const keys = uri === undefined ? take(keySet(reference, `${at}.jwt[${index}].jwks`, lookup)) : undefined;
      return {
        ...issuer,
        jwks: {
          allowHttp,
          ...defined({ uri, ...reference }),
          ...(keys === undefined ? {} : { keys: [...keys] }),
        },
      };
    });
  }
  if (introspection !== undefined) {
    const name = introspection.credentialsSecretName;
    const credentials =
      name === undefined ? undefined : take(login(name, `${at}.introspection.credentialsSecretName`, lookup));
    // Overwrites `credentials` with undefined, too: those of a config in force must not outlive their Secret.
    value.introspection = defined({ ...introspection, credentials });
  }
  return { value, problems };
}

function defined<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
