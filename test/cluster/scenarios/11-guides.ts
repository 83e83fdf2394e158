import assert from "node:assert/strict";
import { IMAGE } from "../image.ts";
import { scenario } from "../scenario.ts";
import { storeImage } from "../store.ts";
import { typed, walkthrough } from "../walkthrough.ts";

/** The registry that the guides push to. */
const REGISTRY = "registry.example.com";
/** The image of examples/valkey: no registry is asked for it. */
const VALKEY = "docker.io/valkey/valkey:9";

export default scenario(
  "the commands of the guides do what they say, as they are written",
  async (cluster, report) => {
    await cluster.uninstall();
    await cluster.provider.tag(cluster.image.name, `${REGISTRY}/${IMAGE}`);
    cluster.onEnd(() => cluster.uninstall());

    const follow = async (
      title: string,
      pages: readonly string[],
      expected: readonly RegExp[],
      more: (said: string) => void = () => {},
    ): Promise<void> => {
      await report.step(title, async () => {
        const scripts = await Promise.all(pages.map(walkthrough));
        const gone = () => cluster.kubectl("delete", "namespace", "demo", "--ignore-not-found", "--timeout=120s");
        cluster.onEnd(gone);
        await gone();
        const said = await typed(cluster, ["exec 2>&1", ...scripts].join("\n"), "hello, cluster\n");
        for (const words of expected) assert.match(said, words);
        more(said);
        // Also where the guide has just taken a key away: that moves no condition.
        for (const type of ["Programmed", "Ready"]) await cluster.condition("demo", "chat", type);
      });
    };
    const ready = /^websocketproxy\S*\/chat condition met\n[^]*^chat +Gateway +True +2 +wsproxy-chat\.demo\.svc/m;
    const echoed = /^hello, cluster$/m;
    await follow("README: In a cluster", ["../README.md#In a cluster"], [ready, echoed]);
    const seen = [
      /^\{"sessions":\[/m,
      /^\{"proxies":\[\{"proxy":"demo\/chat","hash"/m,
      /^\{"routes":\[\{"proxy":"demo\/chat"/m,
    ];
    const inside = ["In a cluster", "Has a change reached the pods?"].map((title) => `guides/look-inside.md#${title}`);
    const served = /^[0-9a-f]{64}$/m; // status.dataplane.configHash
    await follow("Run it on kind, and Look inside", ["guides/kind.md", ...inside], [ready, echoed, ...seen, served]);
    const asked = ["../README.md#In a cluster", "guides/what-is-going-on.md#With the command line"];
    const told = [/^Accepted +True /m, /^wsproxy-chat-\S+ +yes +0 /m, /^sample-backend:\S+ +3 of 3 +chat$/m];
    await follow("What is going on in there?", asked, [ready, echoed, ...told]);

    const store = await storeImage(cluster);
    if (store !== undefined) await cluster.provider.tag(store, VALKEY);
    const shared = ["../README.md#In a cluster", "guides/shared-limits.md#Set it up"];
    await follow("One limit for all pods", shared, [ready, echoed], (said) => {
      const tried = said.slice(said.indexOf('deployment "valkey" successfully rolled out'));
      const seenOf = (words: RegExp): number => [...tried.matchAll(words)].length;
      assert.deepEqual([seenOf(/^connected/gm), seenOf(/^refused: 429 .*: ConnectionLimit\b/gm)], [5, 1], tried);
    });

    const injected = /^chat +Sidecar +True +[1-3] /m;
    const refused = [/"reason":"CredentialMissing"/, /"reason":"CredentialInvalid"/];
    const sidecar = ["guides/kind.md#2. The operator", "guides/sidecar.md"];
    await follow("Add the gateway to a pod", sidecar, [injected, echoed, ...refused, /^\{"sessions":\[/m]);
    await follow("Install, and The first proxy", ["guides/install.md", "guides/first-proxy.md"], [ready, echoed]);
  },
  { minutes: 12 },
);
