import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { FIELD_MANAGER } from "../../operator/kube/field-manager.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { until } from "../fakes/sockets.ts";

/** From this folder. */
export const CRD_FILE = "../../crds/wsproxy.dev_websocketproxies.yaml";
const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export interface Crd {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Installs the CRD of `crds/` unchanged, or another version of it; resolves when the API server serves it. */
export async function installCrd(client: Caller, other?: object): Promise<Crd> {
  const file = join(import.meta.dirname, CRD_FILE);
  const body = (other ?? parse(await readFile(file, "utf8"))) as { readonly metadata: { readonly name: string } };
  const path = `${PATH}/${body.metadata.name}`;
  const query = { fieldManager: FIELD_MANAGER, force: true, fieldValidation: "Strict" };
  await client.request({ method: "PATCH", path, query, contentType: "application/apply-patch+yaml", body });
  let crd: Crd = {};
  await until("the CRD is established", async () => {
    crd = await client.request<Crd>({ path });
    return crd.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true;
  });
  return crd;
}
