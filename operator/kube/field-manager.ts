/** The field manager of what the operator writes, and the user agent of its calls. */
export const FIELD_MANAGER = "wsproxy-operator";

/** The field manager of the number of pods alone: so an apply of the rest leaves the number to its writer. */
export const REPLICAS_MANAGER = `${FIELD_MANAGER}-replicas`;
