import { expect, test } from "vitest";
import { leastTime } from "../../test/fakes/least-time.ts";
import { AddressList } from "../address-list.ts";
import { arrivalFacts, loggedPath, partialFacts } from "./request-facts.ts";

const key = "secret-key-0123456789";

test.each<[string, string | undefined]>([
  ["/", "/"],
  ["/chat/room 1", "/chat/room 1"],
  [`/chat?apikey=${key}`, "/chat"],
  [`/chat#${key}`, "/chat"],
  [`//other.test/chat?${key}`, "//other.test/chat"],
  // Where a client put its key by mistake.
  [`/chat&apikey=${key}`, "/chat…"],
  [`/chat;apikey=${key}`, "/chat…"],
  [`/chat%3Fapikey=${key}`, "/chat…"],
  [`/chat%253fapikey%253d${key}`, "/chat…"],
  [`/apikey=${key}/chat`, "/apikey…"],
  [`/chat/eyJ${"x".repeat(200)}.eyJ9.${"y".repeat(86)}/room`, "/chat/…/room"],
  [`/chat/${"x".repeat(9000)}`, "/chat/…"],
  [`/v3/${key}/chat`, "/v3/…/chat"],
  [`/chat/apikey:${key}`, "/chat/…"],
  ["/v3/0123456789abcdef0123456789abcdef", "/v3/…"],
  ["/example.chat.rooms.v1.RoomService/Stream", "/example.chat.rooms.v1.RoomService/Stream"],
  ["/notifications-for-teams/room-2026-11-29", "/notifications-for-teams/room-2026-11-29"],
  // Of the absolute form the path; where it may hold a password, nothing.
  ["http://a.test:80/chat?x", "/chat"],
  ["WSS://a.test/chat", "/chat"],
  [`http://user:${key}@a.test/chat?x`, undefined],
  [`http://user:${key}/x@a.test/chat?x`, undefined],
  [`https://user:${key}@a.test`, undefined],
  [`user:${key}@a.test:443`, undefined],
  ["*", undefined],
  ["", undefined],
])("D14 of %j the log shows %j", (target, shown) => {
  expect(loggedPath(target)).toBe(shown);
});

const arrival = {
  ...{ method: "GET", target: "/chat?x=1", httpVersion: "1.1", peer: "::ffff:192.0.2.1", encrypted: false, port: 8080 },
  rawHeaders: ["Host", "A.Test:8080", "X-Forwarded-For", "198.51.100.7"],
};

test("a request that was read has the client's address, also behind a trusted proxy, its host and path", () => {
  expect(arrivalFacts(arrival, new AddressList([]))).toEqual({ address: "192.0.2.1", host: "a.test", path: "/chat" });
  const trusted = new AddressList(["192.0.2.0/24"]);
  expect(arrivalFacts(arrival, trusted)).toEqual({ address: "198.51.100.7", host: "a.test", path: "/chat" });
  for (const host of [`user:${key}@a.test`, "a b", "x".repeat(5000), ""]) {
    expect(arrivalFacts({ ...arrival, rawHeaders: ["Host", host] }, trusted).host).toBeUndefined();
  }
  expect(arrivalFacts({ ...arrival, rawHeaders: ["Host", "a.test", "host", "b.test"] }, trusted).host).toBeUndefined();
});

test("of a head of which little can be read the log shows that", () => {
  expect(partialFacts(`/chat?${key}`, "A.test:80")).toEqual({ host: "a.test", path: "/chat" });
  expect(partialFacts(undefined, undefined)).toEqual({ host: undefined, path: undefined });
});

test("a target of any length and form is shown in next to no time", () => {
  for (const filler of ["/", "a", "%3", "%", "http://", "&", "?", "//."]) {
    const target = `/${filler.repeat(32_768 / filler.length)}`;
    expect(leastTime(() => void loggedPath(target))).toBeLessThan(5);
    expect(leastTime(() => void loggedPath(`http://${target.slice(1)}`))).toBeLessThan(5);
  }
  expect(loggedPath(`/${"a/".repeat(9000)}?x`)).toHaveLength(1024);
});
