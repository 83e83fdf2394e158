/** The `response` of an AdmissionReview (admission.k8s.io/v1). */
export interface AdmissionResponse {
  /** That of the request. */
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: "JSONPatch";
  /** JSON Patch in base64; absent: the object stays as it is. */
  readonly patch?: string;
  /** Why it is refused, in words for the client of the API server. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
}
