import type { PodState } from "../../operator/pods/dataplane-pods.ts";

/** The state of a proxy without pods; a test adds what it is about. */
export const NO_PODS: PodState = {
  pods: 0,
  ready: [],
  behind: [],
  outdated: [],
  late: [],
  silent: [],
  unproven: [],
  earlier: [],
  refusing: [],
  unusable: [],
  strangers: [],
};
