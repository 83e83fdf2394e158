import { visible } from "./shown.js";

// Why the gateway gave no answer, and what the person who looks can do.

/** The gateway answered with another status than 200. */
export class Answered extends Error {
  /**
   * @param {number} status
   * @param {string} words
   */
  constructor(status, words) {
    super(words === "" ? `status ${status}` : words);
    this.status = status;
  }
}

/**
 * @typedef {object} Problem
 * @property {string} title
 * @property {string} advice
 * @property {boolean} wantsToken only another token helps
 */

/**
 * @param {unknown} error
 * @param {string} origin of this page
 * @returns {Problem}
 */
export function problemOf(error, origin) {
  if (!(error instanceof Answered)) {
    return {
      title: `Nothing answers at ${origin}`,
      advice: "Is the gateway, or the command that opened this page, still running? This page tries again by itself.",
      wantsToken: false,
    };
  }
  const { status } = error;
  const message = visible(error.message).replace(/\.$/, "");
  if (status === 401) {
    return {
      title: "The gateway does not accept this token",
      advice:
        "A restart makes a new one: open the newest link that the gateway printed, or paste the link or its token here.",
      wantsToken: true,
    };
  }
  if (status === 421) {
    return {
      title: "This page was opened by a name",
      advice: "Open it by an IP address or localhost: the gateway keeps pages of other names out.",
      wantsToken: false,
    };
  }
  if (status === 429 || (status === 503 && /watch|streams of events/i.test(message))) {
    return {
      title: "Too many watchers already",
      advice: `Close another debug page or \`wsproxy trace\`; this page tries again by itself. The gateway says: ${message}.`,
      wantsToken: false,
    };
  }
  if (status === 404) {
    return {
      title: "This gateway has no stream of events",
      advice: "It is older than this page. Update the data plane.",
      wantsToken: false,
    };
  }
  return {
    title: status >= 500 ? "No answer from the gateway" : `The gateway refuses the request (${status})`,
    advice: `It says: ${message}. This page tries again by itself.`,
    wantsToken: false,
  };
}

/**
 * No pod is watched, though the command that serves this page goes on.
 * @param {readonly string[]} messages what is known of it
 * @param {string | undefined} proxy `<namespace>/<name>`
 * @returns {Problem}
 */
export function noPodAnswers(messages, proxy) {
  const [first] = messages;
  const [namespace, name] = proxy?.split("/") ?? [];
  const status = name === undefined ? "wsproxy status" : `wsproxy status -n ${namespace} ${name}`;
  const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : "";
  return {
    title: "No pod answers",
    advice: `${first === undefined ? "" : `Why: ${visible(first).replace(/\.$/, "")}${more}. `}\`${status}\` tells what is wrong with its pods. This page goes on by itself when one answers.`,
    wantsToken: false,
  };
}

/** What this page shows before it has a token. @type {Problem} */
export const NO_TOKEN = {
  title: "This page needs the admin token",
  advice:
    "Open the link that `wsproxy standalone` or `wsproxy debug` prints, or paste the link or its token here. The token stays in this tab.",
  wantsToken: true,
};
