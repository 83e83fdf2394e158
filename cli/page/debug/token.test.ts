import { expect, test } from "vitest";
import { keepToken, tabStorage, takeToken, tokenIn, type Places } from "./token.js";

/** A tab with one address, and what it did to its history. */
class Tab implements Places {
  readonly location;
  readonly urls: string[] = [];
  readonly items = new Map<string, string>();
  readonly history = { replaceState: (_state: unknown, _unused: string, url: string) => void this.urls.push(url) };
  readonly storage = {
    getItem: (key: string) => this.items.get(key) ?? null,
    setItem: (key: string, value: string) => void this.items.set(key, value),
    removeItem: (key: string) => void this.items.delete(key),
  };

  constructor(hash: string) {
    this.location = { hash, pathname: "/debug", search: "?x=1" };
  }
}

test("takes the token out of the link, and out of the address bar", () => {
  const tab = new Tab("#token=a%2Bb%2Fc");
  expect(takeToken(tab)).toBe("a+b/c");
  expect(tab.urls).toEqual(["/debug?x=1"]);
});

test("a reload in the same tab finds it again, until it is forgotten", () => {
  const tab = new Tab("#token=abc");
  takeToken(tab);
  tab.location.hash = "";
  expect(takeToken(tab)).toBe("abc");
  keepToken(undefined, tab.storage);
  expect(takeToken(tab)).toBeUndefined();
});

test("a browser that keeps nothing for pages costs only the reload", () => {
  const tab = new Tab("#token=abc");
  const refuse = (): never => {
    throw new Error("SecurityError");
  };
  const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  expect(takeToken({ ...tab, location: tab.location, history: tab.history, storage })).toBe("abc");
  expect(takeToken({ location: { ...tab.location, hash: "" }, history: tab.history, storage })).toBeUndefined();
});

test("a browser that has no storage for pages costs only the reload", () => {
  const storage = tabStorage(() => {
    throw new Error("SecurityError");
  });
  expect(takeToken({ ...new Tab("#token=abc"), history: new Tab("").history, storage })).toBe("abc");
  expect(takeToken({ ...new Tab(""), history: new Tab("").history, storage })).toBeUndefined();
  keepToken(undefined, storage);
});

test.each([
  ["", undefined],
  ["#token=", undefined],
  ["#other=1", undefined],
  ["#token=%E0%A4%A", undefined],
  ["#a=1&token=abc&b=2", "abc"],
  ["#token=a+b", "a+b"],
])("in %j the token is %j", (hash, token) => {
  expect(tokenIn(hash)).toBe(token);
});
