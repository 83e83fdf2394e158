import { ending, hidden, refusal } from "./words.js";

const LONGEST_SHOWN = 2000;
const MOST_LINES = 500;

const element = (id) => document.getElementById(id);
const [connect, disconnect, send, sendBurst] = ["connect", "disconnect", "send", "send-burst"].map(element);
const log = element("log");
const counts = { sent: 0, received: 0 };
let socket;

const settings = await (await fetch("/settings")).json();
element("name").textContent = settings.name;
element("url").value = settings.gateway;

element("connection").addEventListener("submit", (event) => {
  event.preventDefault();
  open();
});
disconnect.addEventListener("click", () => socket.close(1000, "goodbye"));
element("message").addEventListener("submit", (event) => {
  event.preventDefault();
  if (send.disabled) return;
  transmit([element("text").value]);
});
element("burst").addEventListener("submit", (event) => {
  event.preventDefault();
  if (sendBurst.disabled) return;
  transmit(Array.from({ length: element("count").valueAsNumber }, (_, index) => `message ${index + 1}`));
});
element("clear").addEventListener("click", () => {
  log.replaceChildren();
  counts.sent = counts.received = 0;
  count();
});

/** URL and subprotocols of the handshake that the form describes. */
function handshake() {
  const url = new URL(element("url").value);
  const key = element("key").value;
  const travels = new FormData(element("connection")).get("travels");
  if (travels === "query") url.searchParams.set("apikey", key);
  return { url, protocols: travels === "subprotocol" ? ["wsproxy", `wsproxy.key.${base64url(key)}`] : [] };
}

function base64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function open() {
  let attempt;
  let current;
  try {
    attempt = handshake();
    current = new WebSocket(attempt.url, attempt.protocols);
  } catch (error) {
    return show("refused", { outcome: "Not a URL to connect to", meaning: error.message });
  }
  socket = current;
  current.binaryType = "arraybuffer";
  let opened = false;
  show("connecting", { outcome: "Connecting…", meaning: "" });
  current.addEventListener("open", () => {
    opened = true;
    const { protocol, extensions } = current;
    const agreed = [protocol && `Subprotocol ${protocol}.`, extensions && `Extension ${extensions}.`];
    show("open", { outcome: "Connected", meaning: agreed.filter(Boolean).join(" ") });
    element("text").focus();
  });
  current.addEventListener("message", ({ data }) => {
    counts.received += 1;
    write("received", typeof data === "string" ? data : `${data.byteLength} bytes`);
  });
  current.addEventListener("close", (event) => {
    if (opened) return show(event.code === 1000 ? "idle" : "cut", ending(event));
    element("meaning").textContent = "No connection came about. Asking why…";
    void whyRefused(attempt).then((why) => show("refused", why));
  });
}

/** Browsers hide the status of a refused handshake from scripts, so the sample backend repeats the handshake. */
async function whyRefused({ url, protocols }) {
  if (url.origin !== new URL(settings.gateway).origin) return hidden(new URL(settings.gateway).origin);
  const body = JSON.stringify({ target: `${url.pathname}${url.search}`, protocols });
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch("/probe", { method: "POST", headers, body });
    return refusal(response.ok ? await response.json() : { problem: (await response.text()).trim() });
  } catch {
    return refusal({ problem: "the sample backend itself does not answer" });
  }
}

function transmit(messages) {
  for (const message of messages) socket.send(message);
  counts.sent += messages.length;
  const [first, last] = [messages[0], messages.at(-1)];
  write("sent", messages.length === 1 ? first : `${messages.length} messages, from “${first}” to “${last}”`);
}

/** Shows the state of the session and enables the buttons that fit; the focus moves away from a button that is disabled. */
function show(state, { outcome, meaning }) {
  const live = state === "open";
  const lost = [disconnect, send, sendBurst].includes(document.activeElement) && !live;
  connect.disabled = live || state === "connecting";
  disconnect.disabled = send.disabled = sendBurst.disabled = !live;
  if (lost) connect.focus();
  element("status").dataset.state = state;
  element("outcome").textContent = outcome;
  element("meaning").textContent = meaning;
  write("session", outcome);
}

function write(what, text) {
  const line = document.createElement("div");
  line.className = what;
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString("en-GB");
  const kind = document.createElement("span");
  kind.className = "what";
  kind.textContent = what;
  const content = document.createElement("span");
  content.textContent =
    text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}… (${text.length} characters)` : text;
  line.append(time, kind, content);
  log.append(line);
  while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
  log.scrollTop = log.scrollHeight;
  count();
}

function count() {
  element("counts").textContent = `${counts.sent} sent, ${counts.received} received`;
}
