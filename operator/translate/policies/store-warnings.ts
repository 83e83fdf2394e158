import { hostOf, type StoreSpec } from "../../../api/store.ts";

interface StoreWarning {
  readonly at: string;
  readonly message: string;
}

/** What a user should know of a store that is accepted as it is written. `limited`: does any limit need it? */
export function storeWarnings(store: StoreSpec, limited: boolean): StoreWarning[] {
  const { address, tls, credentialsSecretName, whenUnavailable } = store;
  const host = hostOf(address);
  const idle = "no limit per Client, IP, Route or Proxy is in effect, and a limit per Connection needs no store";
  const end = whenUnavailable === "Refuse" ? "the store, and so whenUnavailable: Refuse, has" : "has";
  return [
    ...(limited
      ? []
      : [{ at: "spec.store", message: `${end} no effect: ${idle}; write a limit, or remove the store` }]),
    ...(tls !== undefined || credentialsSecretName === undefined || isThisHost(host)
      ? []
      : [
          {
            at: "spec.store.credentialsSecretName",
            message: `goes to ${host} in clear text, since spec.store.tls is absent; write tls: {} for a certificate of a public CA, or tls: { caSecretName: … }`,
          },
        ]),
  ];
}

/** Nothing leaves the pod, or the machine. */
function isThisHost(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "::1" || /^127(\.[0-9]+){3}$/.test(host);
}
