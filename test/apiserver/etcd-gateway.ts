/** etcd by its JSON gateway, for changes that no client of the API server can make. */
export class EtcdGateway {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async healthy(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(2000) });
    return answer.ok;
  }

  /** Deletes an object without the API server: `/configmaps/<namespace>/<name>`. */
  async delete(key: string): Promise<void> {
    const { deleted } = await this.#call("/v3/kv/deleterange", { key: base64(`/registry${key}`) });
    if (deleted !== "1") throw new Error(`etcd has no ${key}`);
  }

  /** Compacts the history up to now, as the API server does every five minutes. */
  async compact(): Promise<void> {
    const { header } = await this.#call("/v3/kv/range", { key: base64("/"), limit: 1 });
    await this.#call("/v3/kv/compaction", {
      revision: (header as { readonly revision: string }).revision,
      physical: true,
    });
  }

  async #call(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.url}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
