import { samplesOf, specWith, type Sample, type ValueSamples } from "./proxy.ts";
import { storeTexts } from "./store-rules.ts";

// Texts and numbers whose form the schema itself judges: the API server has its own words for what is wrong.

const sets: readonly ValueSamples[] = [
  {
    at: "spec.listener.trustedProxies[0]",
    spec: (address) => specWith({ spec: { listener: { trustedProxies: [address] } } }),
    good: [
      ...["10.0.0.0/8", "0.0.0.0/0", "192.168.0.1", "255.255.255.255/32", "10.0.0.1/8", "::", "::/0", "::1", "1::"],
      ...["2001:db8::/32", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "FE80::1/128"],
      ...["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "64:ff9b::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4"],
    ],
    bad: [
      ...[
        "",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.0/08",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "10.0.0.0.0",
      ],
      ...[
        "2001:db8::/129",
        "::/00",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::",
        ":",
        ":::",
        "1:",
      ],
      ...[
        "fe80::1%eth0",
        "::ffff:10.0.0",
        "::1.2.3.256",
        "1:2:3:4:5:6:7:1.2.3.4",
        "[::1]",
        "example.com",
        " ::1",
        "1.2.3.4\n",
      ],
      ...["1.2.3.4:80", "1.2.3.4-1.2.3.9", "0x10.0.0.1", "::/8/8"],
    ],
  },
  {
    at: "spec.gateway.service.loadBalancerClass",
    spec: (loadBalancerClass) =>
      specWith({ spec: { gateway: { service: { type: "LoadBalancer", loadBalancerClass } } } }),
    good: ["", "a", "internal-vip", "example.com/internal-vip", "a/A_.-9", "service.k8s.aws/nlb"],
    bad: ["/a", "a/", "a/b/c", "-a", "a-", "Example.com/a", "a b", ".", "a\n", `a/${"b".repeat(64)}`, "a..b/c"],
  },
  {
    at: "spec.listener.tls.secretName",
    spec: (secretName) => specWith({ spec: { listener: { tls: { secretName } } } }),
    good: ["a", "0", "a".repeat(80), "a".repeat(253), `${"a".repeat(100)}.${"b".repeat(100)}`, "chat-tls.v1"],
    bad: ["", "a".repeat(254), "Chat", "chat_tls", "-a", "a-", "a..b", "a.-b", ".a", "a/b", "a b", "a\n"],
  },
  {
    at: "spec.routes[0].backends[0].service",
    spec: (service) => specWith({ route: { backends: [{ service, port: 80 }] } }),
    good: ["a", "0", "1-echo", "a".repeat(63)],
    bad: ["", "a".repeat(64), "Echo", "a_b", "-a", "a-", "../a", "a\n"],
  },
  {
    at: "spec.policies.bytes.fromClient[0].limit",
    spec: (limit) => specWith({ policies: { bytes: { fromClient: [{ per: "Client", limit, interval: "1s" }] } } }),
    good: [1, "1", "64Ki", "0.5Mi", "1.5k", "999Ti", "999999999999999", 999_999_999_999_999, "0.000001", "10G"],
    bad: ["0", "0Ki", "0.0", 0, -1, 1.5, "-1", "1000Ti", "1e3", "1 Ki", "1kb", "1K", "Ki", ".5", "1.", "007", "", "1m"],
  },
  {
    at: "spec.policies.messageSize.fromClient",
    spec: (fromClient) => specWith({ policies: { messageSize: { fromClient } } }),
    good: [0, "0", "0Ki", "0.0", "1Mi", 5],
    bad: ["00", "1P", "9999999999999999", 10 ** 15],
  },
  {
    at: "spec.routes[0].path.value",
    spec: (value) => specWith({ route: { path: { value } } }),
    good: ["/%C3%BCber", "/%e2%82%ac", "/%F0%9F%98%80/x", "/%ED%9F%BF"],
    bad: [
      ...["/%", "/a%2", "/%zz", "/%a", "/%2g", "/%a/b", "/%ab", "/%c3", "/%c3/%a4", "/x%ff"],
      ...["/%c0%ae", "/%e0%80%80", "/%ed%a0%80", "/%f5%80%80%80", "/%f4%90%80%80"],
    ],
  },
  {
    at: "spec.routes[0].rewrite.hostname",
    spec: (hostname) => specWith({ route: { rewrite: { hostname } } }),
    good: ["echo.internal", "echo", "a-b.c1.example.com", `${"a".repeat(63)}.test`, "10.0.0.1"],
    bad: [
      ...["", "*", "*.example.com", "echo.internal:80", "Echo.internal", "echo.internal.", ".internal", "a..b", "-a"],
      ...["a_b.test", "[::1]", "http://echo", "echo/ws", "echo internal", "echo\r\nX: 1", `${"a".repeat(64)}.test`],
    ],
  },
  {
    at: "spec.policies.origins.allow[0]",
    spec: (origin) => specWith({ policies: { origins: { allow: [origin] } } }),
    good: [
      ...["null", "https://app.example.com", "http://localhost:3000", "https://*.example.com", "http://[::1]:3000"],
      ...["capacitor://localhost", "ionic://localhost", "file://", "tauri://localhost", "https://tauri.localhost"],
      ...[
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://3c078156-979c-498b-8990-85f7987dd929",
      ],
      ...["safari-web-extension://E5B7C5A9-1C1B-4B5E-8F6B-1D7B6A0E9C11", "vscode-webview://0dhpgd7ipe2jlmbdp1hkfjj2"],
      ...[
        "vscode-file://vscode-app",
        "app://obsidian.md",
        "app://.",
        "app://-",
        "electron://altair",
        "web+app://a:8100",
      ],
      ...[
        "https://my_app.example.com",
        "https://_a.example.com",
        "https://*.my_app.example.com",
        "https://a.example.com.",
      ],
      ...[
        "https://xn--bcher-kva.example",
        "https://App.example.com",
        "http://[2001:DB8::1]:8080",
        "capacitor://*.a:8100",
      ],
      ...["wss://a", "https+a://b", "qrc://", "content://", "app://a%20b"],
    ],
    bad: [
      ...["*", "https://*", "https://a.example.com/", "HTTPS://a", "https://a b", "javascript:alert(1)", "http://::1"],
      ...["http://*.[::1]", "nulls", "NULL", "", "app.example.com", "//app.example.com", "https:app.example.com"],
      ...["https://", "http://", "https://:443", "file:///", "file://:80", "capacitor://localhost/", "://a", "1a://b"],
      ...[
        "chrome-extension://*",
        "*://a",
        "https://*a.example.com",
        "https://a.*.example.com",
        "https://*.*.example.com",
      ],
      ...["https://a/?b", "https://a?b", "https://a#b", "https://u@a", "app://u@a", "a_b://c", "https://a,b"],
      ...[
        "https://a:",
        "https://a:123456",
        "https://a:b",
        "https://\u00e4.example",
        "https://*.",
        "https://a\n",
        "a://b\\c",
      ],
    ],
  },
  {
    at: "spec.routes[0].backends[0].port",
    spec: (port) => specWith({ route: { backends: [{ service: "echo", port }] } }),
    good: [1, 65_535, "ws", "80"],
    bad: [0, 65_536, "", "WS", "a.b", 1.5, "a".repeat(64)],
  },
  {
    at: "spec.policies.authentication.introspection.endpoint",
    spec: (value) => {
      const introspection = { credentialsSecretName: "login", endpoint: value };
      return specWith({ policies: { authentication: { introspection } } });
    },
    good: ["https://idp.example.com", "https://idp:8443/a?b=c", "https://[::1]/x", "https://[2001:db8::1]:8443/x"],
    bad: [
      "ftp://idp",
      "https://user:pw@idp",
      "https://idp/#a",
      "https://idp/ a",
      "https://idp/ä",
      "https://idp/\u00a0",
      "//idp",
      "https://::1/x",
      "https://[::1/x",
      "https://[idp]/x",
      "https://idp:a/x",
    ],
  },
];

/** Values of each form, and values that only look like it. */
export const textSamples: readonly Sample[] = [...sets, ...storeTexts].flatMap((values) => samplesOf(values));
