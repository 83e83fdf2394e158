import { USE_LABEL } from "../../../api/meta.ts";
import { entryOf, found, missing, type Found, type Lookup } from "./lookup.ts";
import { undecodedOf, undecodedWords } from "./undecoded.ts";
import { authorityInForce, backendsOf, lastGoodFound, loginsInForce, type Login } from "./unread.ts";

/** Most characters of a PEM file: the bound of the rendered config. */
const MAX_PEM = 1_048_576;

/** Certificate chain and private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The key pair in a kubernetes.io/tls Secret, which has to belong together. */
export function keyPair(name: string, at: string, lookup: Lookup): Found<KeyPair> {
  const lastGood = lastGoodFound("Secret", name, at, lookup, (inForce) => {
    const { tls } = inForce.listener;
    if (tls?.secretName === name) return tls.keyPair;
    return backendsOf(inForce).find((it) => it.tls?.clientSecretName === name)?.tls?.client;
  });
  if (lastGood !== undefined) return lastGood;
  const { value, problems } = entries(name, ["kubernetes.io/tls"], ["tls.crt", "tls.key"], at, lookup);
  if (value === undefined) return missing(...problems);
  const [certificate = "", privateKey = ""] = value;
  const problem = lookup.once(JSON.stringify(["key pair", name]), () => pemProblem(value, lookup));
  return problem === undefined
    ? found({ certificate, privateKey })
    : unfit(name, `tls.crt and tls.key: ${problem}`, at, lookup);
}

/** The same for the client certificate of a backend: it is a credential, so its owner has to permit its use. */
export function clientKeyPair(name: string, at: string, lookup: Lookup): Found<KeyPair> {
  return unpermitted(name, at, lookup) ?? keyPair(name, at, lookup);
}

/** The certificate authorities (PEM) that verify a backend or the store: entry ca.crt, also of a TLS Secret that cert-manager writes. */
export function authority(name: string, at: string, lookup: Lookup): Found<string> {
  const lastGood = lastGoodFound("Secret", name, at, lookup, (inForce) => authorityInForce(name, inForce));
  if (lastGood !== undefined) return lastGood;
  const { value, problems } = entries(name, ["Opaque", "kubernetes.io/tls"], ["ca.crt"], at, lookup);
  if (value === undefined) return missing(...problems);
  const [ca = ""] = value;
  const problem = lookup.once(JSON.stringify(["authority", name]), () => pemProblem(value, lookup));
  return problem === undefined ? found(ca) : unfit(name, `ca.crt: ${problem}`, at, lookup);
}

/** The login in a kubernetes.io/basic-auth Secret, within the bounds of the rendered config. */
export function login(name: string, at: string, lookup: Lookup): Found<Login> {
  return loginWith(["username", "password"], name, at, lookup);
}

/** The same for a server that has a default user: the user name may be missing or empty. */
export function passwordLogin(name: string, at: string, lookup: Lookup): Found<Login> {
  return loginWith(["password"], name, at, lookup);
}

function loginWith(
  needed: readonly ("username" | "password")[],
  name: string,
  at: string,
  lookup: Lookup,
): Found<Login> {
  const refused = unpermitted(name, at, lookup);
  if (refused !== undefined) return refused;
  const lastGood = lastGoodFound("Secret", name, at, lookup, (inForce) =>
    loginsInForce(name, inForce).find((one) => needed.every((key) => one[key] !== "")),
  );
  if (lastGood !== undefined) return lastGood;
  const { value, problems } = entries(name, ["kubernetes.io/basic-auth"], needed, at, lookup);
  const secret = lookup.secrets.get(name);
  if (value === undefined || secret === undefined) return missing(...problems);
  if (secret.notText.includes("username")) return unfit(name, "username: is not UTF-8 text", at, lookup);
  const username = entryOf(secret.data, "username") ?? "";
  const password = entryOf(secret.data, "password") ?? "";
  if (username.length > 1024) return unfit(name, "username: has more than 1024 characters", at, lookup);
  if (password.length > 4096) return unfit(name, "password: has more than 4096 characters", at, lookup);
  for (const [key, text] of [
    ["username", username],
    ["password", password],
  ] as const) {
    if (/\p{Cc}/u.test(text)) {
      return unfit(name, `${key}: holds a line break or another control character; write it without`, at, lookup);
    }
  }
  return found({ username, password });
}

/**
 * The problem of a Secret that its owner has not permitted for use. It is not used, and no problem tells what it holds: else
 * the author of a WebSocketProxy could send it to a server of their choice. undefined: it is permitted, or does not exist.
 */
function unpermitted(name: string, at: string, lookup: Lookup): Found<never> | undefined {
  const unread = lookup.unreadNamed.get("Secret", name);
  const labels = (lookup.secrets.get(name) ?? unread)?.metadata.labels;
  if (labels === undefined) return undefined;
  const label = entryOf(labels, USE_LABEL);
  if (label === "true") return undefined;
  const overwrite = label === undefined ? "" : " --overwrite";
  const command = `kubectl label secret ${name} --namespace ${lookup.namespace} ${USE_LABEL}=true${overwrite}`;
  const message = `Secret ${name} may not be used: it lacks the label ${USE_LABEL}: "true"; set it in its manifest, or by ${command}`;
  return missing({ reason: "SecretNotPermitted", message, at, object: lookup.self });
}

/** Values of a Secret, in the order of `keys`; every key has to have one. */
export function entries(
  name: string,
  types: readonly string[],
  keys: readonly string[],
  at: string,
  lookup: Lookup,
): Found<readonly string[]> {
  const secret = lookup.secrets.get(name);
  if (secret === undefined) {
    const unusable = undecodedOf("Secret", name, lookup);
    if (unusable !== undefined) return unfit(name, undecodedWords(unusable), at, lookup);
    return missing({
      reason: "SecretNotFound",
      message: `there is no Secret ${name} in namespace ${lookup.namespace}; create it, or correct the name`,
      at,
      object: lookup.self,
    });
  }
  if (!types.includes(secret.type)) {
    return unfit(name, `is not of type ${types.join(" or ")}; create it anew with that type`, at, lookup);
  }
  const values: string[] = [];
  for (const key of keys) {
    const value = entryOf(secret.data, key);
    if (secret.notText.includes(key)) return unfit(name, `${key}: is not UTF-8 text`, at, lookup);
    if (value === undefined || value === "") return unfit(name, `lacks the key ${key}; add it`, at, lookup);
    values.push(value);
  }
  return found(values);
}

/** A Secret that exists and cannot be used; `words` say why. */
export function unfit(name: string, words: string, at: string, lookup: Lookup): Found<never> {
  return missing({ reason: "SecretInvalid", message: `Secret ${name}: ${words}`, at, object: lookup.self });
}

function pemProblem([certificate = "", privateKey]: readonly string[], { tools }: Lookup): string | undefined {
  if (certificate.length > MAX_PEM || (privateKey ?? "").length > MAX_PEM) return "is larger than 1Mi";
  return tools.certificateProblem(certificate, privateKey);
}
