import { z } from "zod";
import { IPV4, IPV6, objectName, serverName } from "./names.ts";
import { CALLED, rule } from "./rule.ts";

/** The store in which all pods of a proxy count together, as users write it. */

const PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const DNS_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
/** With a letter: digits alone would be a part of an IPv4 address. */
const LAST_LABEL = "([0-9][0-9_-]*)?[A-Za-z_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
/** A dot at the end is the root of DNS. */
const NAME = `(${DNS_LABEL}\\.)*${LAST_LABEL}\\.?`;
const HOST = `(${NAME}|${IPV4}|\\[(${IPV6})\\])`;

/** With the shortest port the host is a name of 253 characters, which is the longest in DNS. */
const LONGEST = 255;
const ADDRESS = `^${HOST}:${PORT}$`;
/** No colon behind the host, or nothing behind that. */
const WITHOUT_PORT = "^([^:]*|\\[.*\\]):?$";

const SCHEME =
  "must have no scheme: write valkey.demo.svc:6379 in place of redis://valkey.demo.svc:6379, and tls: {} in place of rediss://";
const USER =
  "must hold no user and no password: put them into a kubernetes.io/basic-auth Secret, and name it in credentialsSecretName";
const NO_PORT = "must have a port, such as valkey.demo.svc:6379";
const FORM = "must be host:port, such as valkey.demo.svc:6379, 10.0.0.7:6379 or [2001:db8::7]:6379";

const matches = (pattern: string, text: string): boolean => new RegExp(pattern).test(text);

/** Mistakes that have words of their own; each is told only where none before it is. */
const MISTAKES = [
  { message: SCHEME, cel: "self.contains('://')", isIn: (text: string) => text.includes("://") },
  { message: USER, cel: "self.contains('@')", isIn: (text: string) => text.includes("@") },
  { message: NO_PORT, cel: `self.matches(r'${WITHOUT_PORT}')`, isIn: (text: string) => matches(WITHOUT_PORT, text) },
];
/** Every rule: `cel` and `holds` say what is right. */
const RULES = [
  ...MISTAKES.map(({ message, cel, isIn }) => ({ message, cel: `!${cel}`, holds: (text: string) => !isIn(text) })),
  { message: FORM, cel: `self.matches(r'${ADDRESS}')`, holds: (text: string) => matches(ADDRESS, text) },
];

const address = RULES.reduce(
  (text, { message, cel, holds }, index) => {
    const before = MISTAKES.slice(0, index);
    const twin = { message, cel: [...before.map((one) => one.cel), cel].join(" || ") };
    return rule(text, twin, (value) => before.some(({ isIn }) => isIn(value)) || holds(value));
  },
  z
    .string()
    .min(1)
    .max(LONGEST)
    .meta({ [CALLED]: "host:port" }),
).describe(
  "Host and port of the store: a name, an IPv4 address, or an IPv6 address in brackets. With a Cluster any of its nodes.",
);

/** `spec.store`. */
export const store = z
  .strictObject({
    address,
    tls: z
      .strictObject({
        serverName: serverName
          .optional()
          .describe("Name in SNI and in the certificate, of every node. Default: the host of the address."),
        caSecretName: objectName
          .optional()
          .describe(
            "Secret with an entry ca.crt: the CA certificates for the certificate of the store. Absent: public CAs.",
          ),
      })
      .optional()
      .describe("If set, the gateway dials the store with TLS; `{}` is enough for a certificate of a public CA."),
    credentialsSecretName: objectName
      .optional()
      .describe(
        'kubernetes.io/basic-auth Secret with the password for the store; without a username, or with an empty one, that of the default user. A changed password takes effect without a restart. Needs the label `wsproxy.dev/use: "true"`.',
      ),
    whenUnavailable: z
      .enum(["PerPod", "Refuse"])
      .default("PerPod")
      .describe(
        "What limits do while the store cannot be reached. PerPod: each pod counts for itself. Refuse: the gateway answers handshakes for which a limit needs the store with 503 StoreUnavailable; open sessions stay, and each pod counts them for itself.",
      ),
  })
  .describe(
    "Valkey, or another server that speaks Redis 6.2 or newer, in which all pods count limits per Client, IP, Route and Proxy together. Absent: each pod counts for itself. A Cluster works; Sentinel does not.",
  );

export type StoreSpec = z.output<typeof store>;

/** The host of an address of the schema, without brackets and without the dot of the root: the default of `tls.serverName`. */
export function hostOf(hostAndPort: string): string {
  return hostAndPort
    .slice(0, hostAndPort.lastIndexOf(":"))
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}
