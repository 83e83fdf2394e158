import { expect, test } from "vitest";
import { newAdminToken } from "../../cli/serving/admin-token.ts";
import { adminToken } from "./admin-token.ts";
import type { Gathered } from "../gather/gather.ts";

const OWNER = { namespace: "demo", name: "chat", uid: "proxy-uid" };
const MADE = "a-new-one";
const KEPT = newAdminToken();

/** What comes of a Secret that holds this text; its owner is the proxy unless told otherwise. */
function tokenFrom(text: string | undefined, uid = OWNER.uid, more: Partial<Gathered> = {}): string | undefined {
  const ownerReferences = [{ kind: "WebSocketProxy", name: "chat", uid, controller: true }];
  const data = text === undefined ? {} : { token: Buffer.from(text).toString("base64") };
  const secret = { metadata: { name: "wsproxy-chat-admin", ownerReferences }, data };
  const gathered: Partial<Gathered> = {
    owner: OWNER,
    names: { base: "wsproxy-chat", admin: "wsproxy-chat-admin", endpoints: "", configPart: String },
    data: new Map([["Secret wsproxy-chat-admin", secret]]),
    tokenUnreadable: false,
    ...more,
  };
  return adminToken(gathered as Gathered, () => MADE);
}

test("the token that the Secret holds is kept", () => {
  expect(tokenFrom(KEPT)).toBe(KEPT);
});

test.each([
  ["nothing", undefined],
  ["an empty one", ""],
  ["one that is short", "password"],
  ["one character less", KEPT.slice(1)],
  ["one character more", `${KEPT}x`],
  ["other characters", `${KEPT.slice(1)}!`],
  ["a line end behind it", `${KEPT}\n`],
  ["a long one of characters beyond ASCII", "é".repeat(43)],
])("where it holds %s a new one is made", (_, text) => {
  expect(tokenFrom(text)).toBe(MADE);
});

test("where there is no Secret, or one that an earlier proxy of the name has left, a new one is made", () => {
  expect(tokenFrom(KEPT, OWNER.uid, { data: new Map() })).toBe(MADE);
  expect(tokenFrom(KEPT, "earlier")).toBe(MADE);
});

test("where the Secret cannot be read none is made: the pods have the one that is there", () => {
  expect(tokenFrom(undefined, OWNER.uid, { data: new Map(), tokenUnreadable: true })).toBeUndefined();
});
