import { openEndpoint, textAnswer, type AdminEndpoints } from "../../runtime/admin-port/admin-endpoint.ts";

/** The page. */
export function pageEndpoints(): Promise<AdminEndpoints> {
  return Promise.resolve({
    "/debug": openEndpoint(() => textAnswer(200, "The page is not part of this build; its endpoints answer.")),
  });
}
