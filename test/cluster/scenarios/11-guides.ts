import assert from "node:assert/strict";
import { IMAGE } from "../image.ts";
import { scenario } from "../scenario.ts";
import { typed, walkthrough } from "../walkthrough.ts";

/** The registry that the guides push to. */
const REGISTRY = "registry.example.com";

export default scenario(
  "the commands of the guides do what they say, as they are written",
  async (cluster, report) => {
    await cluster.uninstall();
    await cluster.provider.tag(cluster.image.name, `${REGISTRY}/${IMAGE}`);
    cluster.onEnd(() => cluster.uninstall());

    const follow = async (title: string, pages: readonly string[], expected: readonly RegExp[]): Promise<void> => {
      await report.step(title, async () => {
        const scripts = await Promise.all(pages.map(walkthrough));
        const gone = () => cluster.kubectl("delete", "namespace", "demo", "--ignore-not-found", "--timeout=120s");
        cluster.onEnd(gone);
        await gone();
        const said = await typed(cluster, scripts.join("\n"), "hello, cluster\n");
        for (const words of expected) assert.match(said, words);
        await cluster.condition("demo", "chat", "Ready");
      });
    };
    // It was Ready, and may not be while a backend's endpoint that has just come is on its way to the pods.
    const ready =
      /^websocketproxy\S*\/chat condition met\n[^]*^chat +Gateway +(True|False) +2 +wsproxy-chat\.demo\.svc/m;
    const echoed = /^hello, cluster$/m;
    await follow("README: In a cluster", ["../README.md#In a cluster"], [ready, echoed]);
    const seen = [
      /^\{"sessions":\[/m,
      /^\{"proxies":\[\{"proxy":"demo\/chat","hash"/m,
      /^\{"routes":\[\{"proxy":"demo\/chat"/m,
    ];
    const inside = ["guides/kind.md", "guides/look-inside.md#In a cluster"];
    await follow("Run it on kind, and Look inside", inside, [ready, echoed, ...seen]);
    await follow("Install, and The first proxy", ["guides/install.md", "guides/first-proxy.md"], [ready, echoed]);
  },
  { minutes: 9 },
);
