import type { StoreConfig } from "../../api/config.ts";
import { hostOf, type StoreSpec } from "../../api/store.ts";
import type { Found, Lookup, ReferenceProblem } from "./references/lookup.ts";
import { authority, passwordLogin } from "./references/secrets.ts";

/** The store of an accepted spec as it comes into force. */
export interface StoreOutcome {
  readonly store: StoreConfig;
  readonly problems: readonly ReferenceProblem[];
}

/**
 * The store that a spec asks for. A Secret that is missing or broken leaves its value in force, since a lost password must
 * not turn shared counting off; where none is in force either, the store is not resolved, and no pod dials it.
 */
export function storeOutcome(spec: StoreSpec, before: StoreConfig | undefined, lookup: Lookup): StoreOutcome {
  const { address, whenUnavailable, credentialsSecretName } = spec;
  const tls = spec.tls && { ...spec.tls, serverName: spec.tls.serverName ?? hostOf(address) };
  return resolved({ address, tls, credentialsSecretName, whenUnavailable }, before, lookup);
}

/** A store in force with the current values of its Secrets. */
export function withCurrentSecrets(before: StoreConfig, lookup: Lookup): StoreConfig {
  return resolved(before, before, lookup).store;
}

/** A store without the values of its Secrets. */
interface Named extends Pick<StoreConfig, "address" | "credentialsSecretName" | "whenUnavailable"> {
  readonly tls?: Pick<NonNullable<StoreConfig["tls"]>, "serverName" | "caSecretName"> | undefined;
}

function resolved(named: Named, before: StoreConfig | undefined, lookup: Lookup): StoreOutcome {
  const { address, tls, credentialsSecretName: secret, whenUnavailable } = named;
  const caName = tls?.caSecretName;
  const caNow = caName === undefined ? NOTHING : authority(caName, "spec.store.tls.caSecretName", lookup);
  const ca = caNow.value ?? (before?.tls?.caSecretName === caName ? before?.tls?.ca : undefined);
  const now = secret === undefined ? NOTHING : passwordLogin(secret, "spec.store.credentialsSecretName", lookup);
  const stays = before?.credentialsSecretName === secret && mayStay(now, named, before);
  const credentials = now.value ?? (stays ? before?.credentials : undefined);
  const store: StoreConfig = {
    address,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            serverName: tls.serverName,
            ...(caName === undefined ? {} : { caSecretName: caName }),
            ...(caName === undefined || ca === undefined ? {} : { ca }),
          },
        }),
    ...(secret === undefined ? {} : { credentialsSecretName: secret }),
    ...(secret === undefined || credentials === undefined ? {} : { credentials }),
    whenUnavailable,
    resolved: (caName === undefined || ca !== undefined) && (secret === undefined || credentials !== undefined),
  };
  return { store, problems: [...explained(caNow, ca), ...explained(now, credentials)] };
}

const NOTHING: Found<never> = { value: undefined, problems: [] };

/** Credentials that their owner took away stay with the server that has them, and never go to another one. */
function mayStay({ problems }: Found<unknown>, { address }: Named, before: StoreConfig | undefined): boolean {
  return before?.address === address || !problems.some(({ reason }) => TAKEN_AWAY.has(reason));
}

const TAKEN_AWAY: ReadonlySet<ReferenceProblem["reason"]> = new Set(["SecretNotFound", "SecretNotPermitted"]);

/** The problems of a reference that leads to nothing now, with what is done meanwhile; `stays`: its value in force. */
function explained({ value, problems }: Found<unknown>, stays: unknown): readonly ReferenceProblem[] {
  if (value !== undefined) return problems;
  const meanwhile =
    stays === undefined
      ? "no pod dials the store, and whenUnavailable decides what limits do"
      : "what was in force of it stays";
  return problems.map((problem) => ({ ...problem, message: `${problem.message}. Until then ${meanwhile}` }));
}
