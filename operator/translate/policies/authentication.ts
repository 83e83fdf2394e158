import { apiKeys } from "../references/api-keys.ts";
import { keySet } from "../references/key-set.ts";
import type { Found, Lookup, ReferenceProblem } from "../references/lookup.ts";
import { login } from "../references/secrets.ts";
import type { RenderedOf, SpecOf } from "../../../api/policies/index.ts";
import type { Resolved, Resolver } from "./policy.ts";

type Settings = SpecOf<"authentication"> | RenderedOf<"authentication">;

/** Puts keys and credentials in the place of what refers to them. What cannot be found admits nobody. */
export const authentication: Resolver<"authentication"> = (settings, { at, lookup }) =>
  settings === undefined ? { value: undefined } : lookup.once(settings, () => resolve(settings, at, lookup));

function resolve(settings: Settings, at: string, lookup: Lookup): Resolved<"authentication"> {
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
    const { uri, allowHttp, secretName, configMapName, key } = jwt.jwks;
    const reference = { secretName, configMapName, key };
    const keys = uri === undefined ? take(keySet(reference, `${at}.jwt.jwks`, lookup)) : undefined;
    value.jwt = {
      ...jwt,
      jwks: {
        allowHttp,
        ...defined({ uri, ...reference }),
        ...(keys === undefined ? {} : { keys: [...keys] }),
      },
    };
  }
  if (introspection !== undefined) {
    const name = introspection.credentialsSecretName;
    const credentials =
      name === undefined ? undefined : take(login(name, `${at}.introspection.credentialsSecretName`, lookup));
    // Overwritten also with nothing: what stands there from before must not outlive its Secret.
    value.introspection = defined({ ...introspection, credentials });
  }
  return { value, problems };
}

function defined<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
