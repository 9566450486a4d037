// The samples of the page: filtered, and shown some at a time. Texts are foreign: they are only ever set as text.
"use strict";

const STEP = 20;
const stories = JSON.parse(document.getElementById("stories").textContent);
const form = document.querySelector(".filters");
const list = document.querySelector(".list");
const more = document.querySelector(".more");
let found = [];
let shown = 0;

document.documentElement.classList.add("alive");

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// What a person may search: all that a card shows.
const words = stories.map((story) => JSON.stringify(story).toLowerCase());

function options() {
  for (const select of form.querySelectorAll("select")) {
    const counts = new Map();
    for (const story of stories) counts.set(story[select.name], (counts.get(story[select.name]) ?? 0) + 1);
    counts.delete("");
    const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
    select.append(new Option("all", ""), ...names.map((name) => new Option(`${name} (${counts.get(name)})`, name)));
    select.closest("label").hidden = names.length < 2;
  }
}

function fits(story, index, wanted, text) {
  return wanted.every(([name, value]) => story[name] === value) && words[index].includes(text);
}

function filter() {
  const wanted = [...form.querySelectorAll("select")].filter((s) => s.value).map((s) => [s.name, s.value]);
  const text = JSON.stringify(form.elements.text.value.trim().toLowerCase()).slice(1, -1);
  found = stories.filter((story, index) => fits(story, index, wanted, text));
  list.replaceChildren();
  shown = 0;
  show();
  const plural = stories.length === 1 ? "sample" : "samples";
  document.querySelector(".count").textContent =
    found.length === stories.length ? `${stories.length} ${plural}` : `${found.length} of ${stories.length} ${plural}`;
}

function show() {
  const next = found.slice(shown, shown + STEP);
  const cards = next.map(card);
  list.append(...cards);
  shown += next.length;
  more.hidden = shown >= found.length;
  return cards[0];
}

function card(story) {
  const node = element("article", "card");
  const head = element("header");
  const verdict = element("h3", "verdict");
  verdict.append(element("i", `key ${story.verdict.replace("_", "-")}`), story.verdict.replace("fail_", "failed "));
  const round = story.round ? `round ${story.round}` : "";
  const about = [story.style, story.category, story.template, story.generator, round].filter((word) => word);
  head.append(verdict, element("p", "quiet", about.join(" · ")));
  node.append(head, ...said(story), stages(story));
  const rest = element("details");
  rest.append(element("summary", "", "Functions offered, checks, id"));
  for (const tool of story.tools) {
    const line = element("p", "tool");
    line.append(element("code", "", tool.name), ` ${tool.description}`);
    rest.append(line);
  }
  if (story.checks.length) rest.append(element("p", "", story.checks.join(" · ")));
  const source = story.source ? `, of the record ${story.source}` : "";
  rest.append(element("p", "quiet", `${story.id}${source}${story.mode ? `, calls: ${story.mode}` : ""}`));
  node.append(rest);
  return node;
}

function said(story) {
  const out = [];
  const foreign = (tag, className, text) => {
    const node = element(tag, className, text);
    node.dir = "auto";
    return node;
  };
  if (story.query) out.push(foreign("blockquote", "", story.query));
  if (story.said) {
    out.push(element("p", "quiet", "What came, which could not be read:"), foreign("pre", "", story.said));
  } else if (!story.calls.length) {
    out.push(element("p", "quiet", "No call."));
  }
  for (const call of story.calls) {
    out.push(element("pre", "call", call.call));
    if (!call.kind) continue;
    const result = element("pre", "result");
    const kind = call.kind === "simulated" ? "simulated (made up: the call was not made)" : call.kind;
    result.append(element("span", "kind", kind), ` ${call.result}`);
    out.push(result);
  }
  return out;
}

function stages(story) {
  const node = element("ul", "stages");
  for (const stage of story.stages) {
    const item = element("li", stage.status);
    item.append(element("b", "", stage.stage), ` ${[stage.status, stage.code].filter((word) => word).join(": ")}`);
    if (stage.detail) {
      const detail = element("span", "detail", stage.detail);
      detail.dir = "auto";
      item.append(": ", detail);
    }
    node.append(item);
  }
  return node;
}

// `#code=not_json` in the address chooses that code, so that a view can be linked to.
function follow() {
  const [name, value] = decodeURIComponent(location.hash.slice(1)).split("=", 2);
  const select = form.elements[name];
  if (value === undefined || !(select instanceof HTMLSelectElement)) return;
  if (![...select.options].some((option) => option.value === value)) return;
  form.reset();
  select.value = value;
  filter();
  const title = document.getElementById("samples");
  title.tabIndex = -1;
  title.scrollIntoView();
  title.focus({ preventScroll: true });
}

options();
filter();
form.addEventListener("input", filter);
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => {
  const first = show();
  first.tabIndex = -1;
  first.focus({ preventScroll: true });
});
addEventListener("hashchange", follow);
follow();
