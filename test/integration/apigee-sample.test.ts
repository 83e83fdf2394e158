import { spawnSync } from "node:child_process";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Authority } from "../fakes/certificates.ts";
import { WsClient } from "../fakes/clients.ts";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";

// examples/apigee-sample, as docs/guides/coming-from-apigee.md shows it, on ports of this test.

const ROOT = join(import.meta.dirname, "../..");
const GUIDE = "docs/guides/coming-from-apigee.md";
const KEY = "example-key-sample-app-0001";
const PATH = "/v1/samples/websockets";
const curl = spawnSync("curl", ["--version"]).status === 0;

async function blocks(language: string): Promise<string[]> {
  const page = await readFile(join(ROOT, GUIDE), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, block = ""]) => block);
}

/** The sample in a folder of its own. */
class Sample {
  readonly folder: string;
  readonly ports: Readonly<Record<"8080" | "8443" | "9000" | "9090", number>>;

  private constructor(folder: string, ports: Sample["ports"]) {
    this.folder = folder;
    this.ports = ports;
  }

  static async prepare(): Promise<Sample> {
    const [listener, secure, backend, admin] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const sample = new Sample(await temporaryFolder(), {
      "8080": listener,
      "8443": secure,
      "9000": backend,
      "9090": admin,
    });
    await cp(join(ROOT, "examples/apigee-sample"), sample.folder, { recursive: true });
    for (const name of await readdir(sample.folder)) await sample.edit(name, (text) => text);
    return sample;
  }

  async edit(name: string, change: (text: string) => string): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(file, this.placed(change(await readFile(file, "utf8"))));
  }

  /** With the folder and the ports of this test. */
  placed(text: string): string {
    return text
      .replaceAll("examples/apigee-sample", this.folder)
      .replaceAll(/\b(8080|8443|9000|9090)\b/g, (port) => String(this.ports[port as keyof Sample["ports"]]));
  }

  /** Runs the guide's command, until the sample backend is open too. */
  async start(): Promise<void> {
    const [command = ""] = await blocks("sh");
    const [, ...words] = this.placed(command).trim().split(" ");
    const ports = ["--sample-backend-port", String(this.ports["9000"]), "--admin-port", String(this.ports["9090"])];
    await new Program([...words, ...ports]).says(`127.0.0.1:${this.ports["9000"]}`);
  }
}

describe("over ws", () => {
  test.skipIf(!curl)(
    "the guide's commands say what stands behind them (skipped where curl is not installed)",
    async () => {
      const sample = await Sample.prepare();
      await sample.start();
      const [, steps = ""] = await blocks("sh");
      const wanted = [...steps.matchAll(/ # (.+)$/gm)].map(([, words = ""]) => words.split(", "));
      const shell = new Program(["-euc", sample.placed(steps)], { file: "bash" });
      expect(await shell.exit()).toBe(0);
      const said = shell.stdout.trim().split("\n");
      expect(said).toHaveLength(wanted.length);
      for (const [index, words] of wanted.entries()) for (const word of words) expect(said[index]).toContain(word);
    },
  );
});

describe("over wss", () => {
  test("the sample's own integration test passes, and wscat's connection too", async () => {
    const sample = await Sample.prepare();
    const authority = await Authority.create();
    const pair = await authority.issue({ names: ["localhost"], addresses: ["127.0.0.1"] });
    const [fragment = ""] = await blocks("yaml");
    const { spec } = parse(fragment) as { spec: { listener: { tls: { secretName: string } } } };
    await sample.edit("proxy.yaml", (text) => {
      const { spec: old, ...proxy } = parse(text) as { spec: object };
      return JSON.stringify({ ...proxy, spec: { ...old, ...spec } });
    });
    await writeFile(
      join(sample.folder, "tls.yaml"),
      JSON.stringify({
        ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls" },
        metadata: { name: spec.listener.tls.secretName, namespace: "apigee-sample" },
        stringData: { "tls.crt": pair.certificate, "tls.key": pair.privateKey },
      }),
    );
    await sample.start();
    const [ca, port] = [authority.ca, sample.ports["8443"]];

    const answer = await get(`https://localhost:${port}${PATH}/?apikey=${KEY}`, ca);
    expect(answer.status).toBe(426);
    expect(answer.body).toMatch(/Upgrade\sRequired/);

    const client = await WsClient.open(`wss://localhost:${port}${PATH}?apikey=${KEY}`, [], { ca });
    client.socket.send("hello");
    expect(await client.message()).toBe("hello");
    client.socket.close();

    for (const query of ["", "?apikey=another-key-00000000"]) {
      const opening = WsClient.open(`wss://localhost:${port}${PATH}${query}`, [], { ca });
      await expect(opening).rejects.toThrow("refused: 401");
    }
  });
});

function get(url: string, ca: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}
