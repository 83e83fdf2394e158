import { byId, setText } from "./dom.js";
import { readPods, readTrouble } from "./events.js";
import { Pods } from "./pods.js";
import { visible } from "./shown.js";
import { TroublesView } from "./troubles-view.js";

/** @import { readFailures } from "./events.js" */

/** Between two looks at what is too old to be shown, in ms. */
const LOOK = 500;

/**
 * Shows which pods joined and left, and which are in trouble.
 * @typedef {object} PodCalls
 * @property {(pods: ReadonlySet<string>) => void} watched the pods whose events come have changed
 * @property {(none: boolean, messages: readonly string[]) => void} answers do any pods answer? `messages`: why not
 * @property {(words: string) => void} said tells a screen reader what happened
 */
export class PodsWatch {
  #pods = new Pods();
  #calls;
  #news = byId("news", HTMLElement);
  #view;
  #drawing = false;

  /** @param {PodCalls} calls */
  constructor(calls) {
    this.#calls = calls;
    this.#view = new TroublesView({
      dismissed: (message) => {
        this.#pods.dismiss(message);
        this.#soon();
      },
      said: calls.said,
    });
    setInterval(() => this.#show(), LOOK);
  }

  /** A stream of events begins. */
  begin() {
    this.#pods.begin();
    this.#soon();
  }

  /** The event `watching` came. */
  speaks() {
    this.#pods.speaks();
    this.#soon();
  }

  /** @param {unknown} json of the event `pods` */
  told(json) {
    this.#pods.told(readPods(json), Date.now());
    const { watched } = this.#pods;
    if (watched !== undefined) this.#calls.watched(watched);
    this.#soon();
  }

  /** @param {unknown} json of the event `trouble` */
  trouble(json) {
    const trouble = readTrouble(json);
    if (trouble.message !== "") this.#pods.trouble(trouble, Date.now());
    this.#soon();
  }

  /** @param {ReturnType<typeof readFailures>} failures of an answer that is made of those of all pods */
  asked(failures) {
    this.#pods.asked(failures, Date.now());
    this.#soon();
  }

  /** Many changes are drawn together. */
  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#show();
    });
  }

  #show() {
    const now = Date.now();
    const troubles = this.#pods.troubles(now);
    const { none } = this.#pods;
    this.#calls.answers(
      none,
      troubles.map(({ message }) => message),
    );
    // Where no pod answers, one notice says so and why.
    this.#view.show(none ? [] : troubles);
    setText(this.#news, visible(this.#pods.news(now)));
  }
}
