import { CloseDialog } from "./close-dialog.js";
import { Connections } from "./connections.js";
import { byId, setQuote, setText } from "./dom.js";
import { readClosed, readHandshake, readHappening, readTlsFailed, readWatching } from "./events.js";
import { Gateway } from "./gateway.js";
import { HeadView } from "./head-view.js";
import { NoticeView } from "./notice-view.js";
import { PanelView } from "./panel-view.js";
import { Polls } from "./polls.js";
import { PodsWatch } from "./pods-watch.js";
import { noPodAnswers, NO_TOKEN, problemOf } from "./problems.js";
import { keepToken, tabStorage, takeToken } from "./token.js";
import { watchEvents } from "./watch.js";

// Puts the page together: what comes from the gateway goes into the list, and what a person does goes to the gateway.

const places = { location, history, storage: tabStorage(() => sessionStorage) };
const state = byId("state", HTMLElement);
const announced = byId("announced", HTMLElement);
const head = new HeadView();
const notice = new NoticeView((token) => begin(token));
const closing = new CloseDialog(announce);
/** @type {Gateway | undefined} */
let gateway;
let running = new AbortController();

const panel = new PanelView({
  closed: () => {
    panel.hide();
    connections.focus();
  },
  closing: (row) => {
    if (gateway !== undefined) closing.ask(row, gateway);
  },
  filtered: (field, value) => connections.filterBy(field, value),
});
const connections = new Connections({ panel, announce });

/** The stream of events is open. */
let live = false;
/** @type {string | undefined} the proxy of this page, as far as it is known */
let proxy;
const pods = new PodsWatch({
  watched: (names) => connections.change((rows) => rows.watched(names)),
  answers,
  said: announce,
});

addEventListener("hashchange", () => begin(takeToken(places)));
addEventListener("pagehide", () => running.abort());
// A page that comes back from the browser's cache goes on where it was.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});
begin(takeToken(places));

/** @param {string | undefined} token */
function begin(token) {
  running.abort();
  running = new AbortController();
  live = false;
  if (token === undefined) {
    show("waiting", "no token");
    notice.show(NO_TOKEN);
    return;
  }
  const { signal } = running;
  keepToken(token, places.storage);
  gateway = new Gateway(token);
  show("waiting", "connecting");
  const polls = new Polls(
    gateway,
    {
      listed: (sessions, now) => connections.change((rows) => rows.listed(sessions, now)),
      listedAll: (begun, silent) => connections.change((rows) => rows.listedAll(begun, silent)),
      counted: (counts, rates) => head.counted(counts, rates),
      served: (served, failures) => {
        head.served(served, failures);
        pods.asked(failures);
      },
      unserved: () => head.unserved(),
    },
    signal,
    { isSeen: () => !document.hidden },
  );
  /** @type {Readonly<Record<string, (json: unknown) => void>>} */
  const takers = {
    watching: (json) => {
      watching(readWatching(json));
      pods.speaks();
    },
    pods: (json) => pods.told(json),
    trouble: (json) => pods.trouble(json),
    handshake: (json) => {
      const it = readHandshake(json);
      polls.handshake(it);
      connections.handshake(it);
    },
    closed: (json) => connections.change((rows) => rows.closed(readClosed(json))),
    limit: (json) => connections.change((rows) => rows.happened(readHappening(json))),
    timeline: (json) => connections.change((rows) => rows.happened(readHappening(json))),
    tlsFailed: (json) => connections.change((rows) => rows.tlsFailed(readTlsFailed(json))),
  };
  void watchEvents(
    gateway,
    {
      opened: () => {
        live = true;
        head.fresh(true);
        connections.unanswered(false);
        notice.show(undefined);
        show("live", "live");
        pods.begin();
      },
      took: (name, json) => {
        // Another version may send events that this page does not know.
        if (Object.hasOwn(takers, name)) takers[name]?.(json);
      },
      failed: (error, seconds) => failed(error, seconds),
      ended: () => {
        live = false;
        show("waiting", "the gateway ended the stream; connecting again");
      },
    },
    signal,
  );
}

/**
 * @param {unknown} error
 * @param {number} seconds until the next attempt
 */
function failed(error, seconds) {
  const problem = problemOf(error, location.origin);
  live = false;
  head.fresh(false);
  pods.begin();
  connections.unanswered(true);
  notice.show(problem);
  show("failed", problem.wantsToken ? "no access" : `trying again in ${seconds} s`);
  if (!problem.wantsToken) return;
  running.abort();
  keepToken(undefined, places.storage);
}

/**
 * @param {boolean} none no pod does
 * @param {readonly string[]} messages what is known of it
 */
function answers(none, messages) {
  if (!live) return;
  connections.unanswered(none);
  head.fresh(!none);
  notice.show(none ? noPodAnswers(messages, proxy) : undefined);
  show(none ? "failed" : "live", none ? "no pod answers" : "live");
}

/** @param {{ proxies: string[], payload: boolean }} told */
function watching({ proxies, payload }) {
  const [first, second] = proxies;
  proxy = second === undefined ? (first ?? proxy) : undefined;
  setQuote(byId("proxies", HTMLElement), second === undefined ? (first ?? proxy ?? "") : `${proxies.length} proxies`);
  panel.use({ gateway, payload });
  connections.severalProxies(proxies.length > 1);
}

/**
 * @param {"waiting" | "live" | "failed"} kind
 * @param {string} words
 */
function show(kind, words) {
  state.dataset["state"] = kind;
  setText(state, words);
}

/** @param {string} words for a screen reader */
function announce(words) {
  setText(announced, words);
}
