import { expect, test } from "vitest";
import { answerOf } from "../../test/fakes/admin-client.ts";
import { browserTicket } from "./browser-ticket.ts";

test("a ticket leads a browser to the link once, and for half a minute", async () => {
  let now = 0;
  const asked = async (link: string, path: string): Promise<object> => {
    const { endpoints } = ticket;
    const [endpoint] = Object.values(endpoints);
    if (endpoint === undefined) throw new Error("no endpoint");
    const { status, headers } = await answerOf(endpoint, "", path);
    return { status, leads: headers?.["location"] === link };
  };
  let ticket = browserTicket("/debug#token=t", () => now);
  const path = ticket.path.replace("/open/", "");
  expect(path).toMatch(/^[\w-]{43}$/);
  expect(await asked("/debug#token=t", "another")).toEqual({ status: 404, leads: false });
  expect(await asked("/debug#token=t", path)).toEqual({ status: 302, leads: true });
  expect(await asked("/debug#token=t", path)).toEqual({ status: 410, leads: false });
  ticket = browserTicket("/debug#token=t", () => now);
  now = 30_001;
  expect(await asked("/debug#token=t", ticket.path.replace("/open/", ""))).toEqual({ status: 410, leads: false });
});
