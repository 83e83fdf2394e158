/** The one field manager of everything that the operator writes, and the user agent of its calls. */
export const FIELD_MANAGER = "wsproxy-operator";
