import { expect, test } from "vitest";
import { API_VERSION, KIND, PLURAL } from "../api/meta.ts";
import { KINDS } from "./kube/kinds.ts";

// `kube/` may not import `api/`, and its table is one of Kubernetes' paths: so this row stands in both, held together here.
test("the client finds our own kind where the CRD puts it", () => {
  expect(KINDS[KIND]).toEqual({ apiVersion: API_VERSION, kind: KIND, plural: PLURAL });
});
