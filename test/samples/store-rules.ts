import { specWith, type RuleSamples, type ValueSamples } from "./proxy.ts";

const store = (value: object): object => specWith({ spec: { store: { address: "valkey:6379", ...value } } });
const at = "spec.store.address";
const spec = (address: unknown): object => store({ address });
const longest = [63, 63, 63, 61].map((length) => "v".repeat(length)).join(".");

/** The rules of `spec.store`, each with what keeps and what breaks it. */
export const storeRules: readonly RuleSamples[] = [
  {
    rule: "must have no scheme: write valkey.demo.svc:6379 in place of redis://valkey.demo.svc:6379, and tls: {} in place of rediss://",
    at,
    spec,
    good: ["redis:6379"],
    bad: ["redis://valkey:6379", "rediss://valkey:6379", "redis://user:password@valkey:6379/0", "unix:///run/valkey"],
  },
  {
    rule: "must hold no user and no password: put them into a kubernetes.io/basic-auth Secret, and name it in credentialsSecretName",
    at,
    spec,
    good: ["valkey:1"],
    bad: ["user:password@valkey:6379", ":password@valkey:6379", "@valkey"],
  },
  {
    rule: "must have a port, such as valkey.demo.svc:6379",
    at,
    spec,
    good: ["valkey.demo.svc:65535"],
    bad: ["valkey", "valkey:", "10.0.0.7", "[::1]", "[::1]:", "valkey.demo.svc/0"],
  },
  {
    rule: "must be host:port, such as valkey.demo.svc:6379, 10.0.0.7:6379 or [2001:db8::7]:6379",
    at,
    spec,
    good: [
      ...["valkey.demo.svc.cluster.local.:6379", "Valkey-1.example.com:6379", "my_valkey:6379", "1-valkey:80", "a1:9"],
      ...["10.0.0.7:6379", "255.255.255.255:1", "[::1]:6379", "[2001:DB8::7]:6379", "[1:2:3:4:5:6:7:8]:65535"],
      `${longest}:1`,
    ],
    bad: [
      ...["valkey:0", "valkey:65536", "valkey:06379", "valkey:port", "valkey: 6379", "valkey:6379/0", "valkey:6379 "],
      ...["2001:db8::7:6379", "::1:6379", "[1::2::3]:6379", "[valkey]:6379", "[10.0.0.7]:6379", "[::1%eth0]:6379"],
      ...["10.0.0.256:6379", "10.0.0:6379", "1234:6379", ":6379", "..:6379", "-a:6379", "a-:6379", "a..b:6379"],
      ...["a:1,b:2", "valkey:6379\n", "\nvalkey:6379", "välkey:6379", `${"a".repeat(64)}.b:6379`, "a b:6379"],
    ],
  },
];

/** Other forms of it, which the schema itself judges. */
export const storeTexts: readonly ValueSamples[] = [
  {
    at: "spec.store.tls",
    spec: (tls) => store({ tls }),
    good: [{}, { caSecretName: "valkey-ca" }],
    bad: [true, []],
  },
  {
    at: "spec.store.tls.serverName",
    spec: (serverName) => store({ tls: { serverName } }),
    good: ["valkey.demo.svc", "Valkey", "10.0.0.7"],
    bad: ["", "valkey:6379", "valkey/", "a b", "[::1]"],
  },
];
