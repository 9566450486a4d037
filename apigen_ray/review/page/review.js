// The page on which one reviewer judges rows: everything that is kept is kept by the server, before the page says so.
"use strict";

const GROUNDS = [
  ["wrong_function", "Wrong function"],
  ["wrong_arguments", "Wrong arguments"],
  ["call_count", "Number of calls"],
  ["result", "Result does not answer"],
  ["unclear", "Query unclear"],
  ["other", "Other"],
];
const GONE = "The server has gone. All that was said to be saved is saved: start it again, and open its new address.";

const $ = (id) => document.getElementById(id);
const place = { rows: [], said: new Map(), reviewer: null, at: 0, row: null, undo: [], notes: new Map(), ahead: null };
let busy = false;

// Small things

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

async function ask(path, body = null) {
  const options = body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ reviewer: place.reviewer, ...body }),
  };
  let response;
  try {
    response = await fetch(path, options ?? {});
  } catch {
    throw new Error(GONE);
  }
  const form = await response.json().catch(() => ({ error: `${response.status} ${response.statusText}` }));
  if (!response.ok) throw new Error(form.error);
  return form;
}

// One thing after the other: a key that comes while a judgement is written or a row is fetched does nothing.
async function once(action) {
  if (busy) return;
  busy = true;
  $("problem").hidden = true;
  try {
    await action();
  } catch (error) {
    tell(error.message, true);
  } finally {
    busy = false;
  }
}

function tell(words, wrong = false) {
  $("problem").hidden = !wrong;
  $(wrong ? "problem" : "said").textContent = words;
}

function only(id) {
  for (const each of ["name", "row", "end"]) $(each).hidden = each !== id;
  $("judge").hidden = id !== "row";
}

const named = () => `reviewer=${encodeURIComponent(place.reviewer)}`;
const left = () => place.rows.length - place.said.size;

// Who judges

async function begin(name) {
  const form = await ask(name ? `state?reviewer=${encodeURIComponent(name)}` : "state");
  Object.assign(place, { rows: form.rows, undo: [], ahead: null });
  $("run").textContent = form.run;
  document.title = `apigen review: ${form.run}`;
  $("top").hidden = false;
  $("reviewers").replaceChildren(...form.reviewers.map((each) => make("option", { value: each })));
  if (!form.reviewer) {
    $("progress").value = 0;
    $("who").textContent = $("count").textContent = "";
    only("name");
    $("reviewer").focus();
    return;
  }
  if (!name) $("other").hidden = true; // the server was started for one reviewer
  place.reviewer = form.reviewer;
  place.said = new Map(Object.entries(form.said));
  sessionStorage.setItem("reviewer", place.reviewer);
  $("who").textContent = place.reviewer;
  tell(place.said.size ? `${place.said.size} judged earlier` : "");
  await onwards(-1);
}

// Going from row to row

async function onwards(from) {
  const { rows, said } = place;
  for (let step = 1; step <= rows.length; step += 1) {
    const next = (from + step) % rows.length;
    if (!said.has(rows[next])) return show(next);
  }
  return end();
}

async function show(at) {
  const id = place.rows[at];
  const fetched = place.ahead?.id === id ? place.ahead.row : ask(`rows/${id}?${named()}`);
  place.ahead = null;
  const row = await fetched;
  Object.assign(place, { at, row });
  only("row");
  draw();
  $("place").focus({ preventScroll: true });
  window.scrollTo(0, 0);
  const next = place.rows.find((each, index) => index > at && !place.said.has(each));
  if (next) {
    const promise = ask(`rows/${next}?${named()}`);
    promise.catch(() => {}); // told when the row is to be shown
    place.ahead = { id: next, row: promise };
  }
}

const step = (by) => show((place.at + by + place.rows.length) % place.rows.length);

async function end() {
  $("end-title").textContent = `All ${place.rows.length} rows are judged. Thank you, ${place.reviewer}.`;
  $("end-words").textContent = "End the server with Ctrl-C in its terminal: it prints these figures as well.";
  $("end-figures").replaceChildren();
  count();
  only("end");
  $("end-title").focus({ preventScroll: true });
  window.scrollTo(0, 0);
  $("end-figures").replaceChildren(figures(await ask("figures")));
}

// Judging

async function judge(word) {
  const { row, at } = place;
  if (!row || $("row").hidden) return;
  if (row.story) throw new Error("This row was revealed: its judgement stays.");
  const grounds = word === "bad" ? [...$("choices").querySelectorAll("input:checked")].map((each) => each.value) : [];
  await keep(row, { word, grounds, note: $("note").value.trim() });
  place.undo.push({ id: row.id, at, before: row.said });
  tell(`Row ${at + 1}: ${word}. Saved.`);
  await onwards(at);
}

async function keep(row, said) {
  await ask(`rows/${row.id}`, { said });
  if (said) place.said.set(row.id, said.word);
  else place.said.delete(row.id);
  place.notes.delete(row.id);
  if (place.ahead?.id === row.id) place.ahead = null;
}

async function undo() {
  const last = place.undo.at(-1);
  if (!last) throw new Error("Nothing to undo since the page was opened. Go back to a row to judge it anew.");
  await keep(last, last.before);
  place.undo.pop();
  await show(last.at);
  tell(`Row ${last.at + 1}: undone.`);
}

async function reveal() {
  const { row } = place;
  if (!row.said) throw new Error("Judge the row first: then you may see what the pipeline said.");
  row.story ??= await ask(`rows/${row.id}/story`, {});
  place.undo = place.undo.filter((each) => each.id !== row.id);
  draw();
  $("story").scrollIntoView({ block: "nearest" }); // not under the footer: see its scroll-margin
}

function openGrounds(open) {
  $("grounds").hidden = !open;
  $("bad").setAttribute("aria-expanded", String(open));
  $("bad").firstChild.textContent = open ? "Keep bad " : "Bad ";
}

function openNote(open) {
  $("note-bar").hidden = !open;
  $("note-open").setAttribute("aria-expanded", String(open));
}

// What is shown

function count() {
  $("count").textContent = `${place.said.size} judged, ${left()} left`;
  $("progress").max = place.rows.length;
  $("progress").value = place.said.size;
  $("undo").disabled = place.undo.length === 0;
}

function draw() {
  const { row, at } = place;
  count();
  $("place").textContent = `Row ${at + 1} of ${place.rows.length}`;
  $("word").hidden = !row.said;
  $("word").textContent = row.said ? `${row.said.word}${row.story ? ", settled" : ""}` : "";
  $("word").className = `word ${row.said?.word ?? ""}`;
  $("question").replaceChildren(...question(row));
  $("offered").replaceChildren(...(row.tools.length ? row.tools.map(offered) : [make("p", { class: "none" }, "None.")]));
  $("story").hidden = !row.story;
  $("story").replaceChildren(...(row.story ? story(row.story) : []));
  for (const word of ["good", "bad", "unsure"]) {
    $(word).disabled = Boolean(row.story);
    $(word).setAttribute("aria-pressed", String(row.said?.word === word));
  }
  for (const box of $("choices").querySelectorAll("input")) box.checked = row.said?.grounds.includes(box.value) ?? false;
  $("note").value = place.notes.get(row.id) ?? row.said?.note ?? "";
  $("note").disabled = Boolean(row.story);
  $("reveal").hidden = !row.said || Boolean(row.story);
  openGrounds(false);
  openNote($("note").value !== "");
}

function question(row) {
  if (row.record !== null) {
    return [
      make("h2", {}, "What the model wrote"), make("pre", { tabindex: "0" }, row.record || "Nothing."),
      make("h2", {}, "Calls"), make("p", { class: "none" }, "This text could not be read as a query with calls: judge it as it stands."),
    ];
  }
  const calls = row.calls.length ? row.calls.map(call) : [make("p", { class: "none" }, "No call: none of the functions is said to fit.")];
  return [
    make("h2", {}, "Query"), make("p", { class: "query" }, row.query),
    make("h2", {}, row.calls.length === 1 ? "Call" : `Calls (${row.calls.length})`), ...calls,
  ];
}

function call(each) {
  if (each.name === null) return make("div", { class: "call" }, make("pre", { tabindex: "0" }, each.text), result(each.result));
  const about = each.offered ? each.description : "No function of this name is offered.";
  const lines = each.arguments.map((argument) => make("tr", {},
    make("th", { scope: "row" }, make("code", {}, argument.name)),
    make("td", {}, make("code", { class: "value" }, argument.value), argument.about ? make("span", { class: "about" }, argument.about) : "")));
  const empty = make("tr", {}, make("td", { class: "quiet" }, "without arguments"));
  return make("article", { class: "call" },
    make("header", {}, make("h3", {}, make("code", {}, each.name)), make("p", {}, about || "")),
    make("table", { "aria-label": `Arguments of ${each.name}` }, make("tbody", {}, ...(lines.length ? lines : [empty]))),
    result(each.result));
}

function result(said) {
  if (!said) return make("div", { class: "result" }, make("span", { class: "label" }, "No result: the call was not made."));
  const label = said.simulated ? "Made up: the call was not made" : said.passed ? "Gave back" : "Failed";
  return make("div", { class: `result ${said.passed ? "" : "bad"}` },
    make("span", { class: "label" }, label), make("pre", { tabindex: "0" }, said.text));
}

function offered(tool) {
  const fields = tool.parameters.flatMap((field) => {
    const facts = [field.type, field.required ? "required" : "", field.default === null ? "" : `default ${field.default}`];
    return [
      make("dt", {}, make("code", {}, field.name), make("span", { class: "quiet" }, ` ${facts.filter(Boolean).join(", ")}`)),
      make("dd", {}, field.description),
    ];
  });
  return make("details", { open: tool.called },
    make("summary", {}, make("code", {}, tool.name), tool.called ? make("span", { class: "mark" }, "called") : "",
      make("span", { class: "about" }, tool.description)),
    fields.length ? make("dl", {}, ...fields) : make("p", { class: "quiet" }, "No parameters."));
}

function story(told) {
  const stages = told.stages.map((each) => make("li", {}, `${each.stage}: `,
    make("strong", { class: each.status }, each.status), [each.code, each.detail].filter(Boolean).map((word) => `, ${word}`).join("")));
  const checks = told.checks.map((each) => make("li", {}, `${each.check}: ${each.words}`));
  const from = Object.entries(told.from).map(([key, value]) => `${key.replace("_", " ")} ${value}`).join(" · ");
  return [
    make("h2", {}, "What the pipeline said"), make("p", { class: "query" }, told.verdict), make("ul", {}, ...stages),
    ...(checks.length ? [make("h2", {}, "Checks of the semantic stage"), make("ul", {}, ...checks)] : []),
    make("p", { class: "quiet" }, from),
  ];
}

// Figures

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const span = (low, high) => `${(100 * low).toFixed(1)} to ${percent(high)}`;
const range = (figure) => (figure ? span(figure.low, figure.high) : "");

function figures(form) {
  if (!form.sample.judged) return make("p", {}, "Nothing is judged yet.");
  const { precision, recall, false_accept: accept } = form.pipeline;
  const rejected = form.rejected.share;
  const tiles = [
    ["Good among the verified", precision, "verified rows"], ["Good among the rejected", rejected, "rejected rows of each stage"],
    ["Good rows that were verified", recall, "rows of every verdict, and a good one"],
    ["Bad rows that were verified", accept, "rows of every verdict, and a bad one"],
  ].map(([words, figure, needs]) => make("div", { class: "tile" }, words, make("b", {}, figure ? percent(figure.value) : "not known yet"),
    make("span", { class: "quiet" }, figure ? range(figure) : `needs judged ${needs}`)));
  const shares = (each) => [each.good, each.bad, each.undecided, each.share ? percent(each.share.value) : "", range(each.share),
    each.undecided ? span(...each.share_with_undecided) : ""];
  const counted = ["good", "bad", "undecided", "share good", "95 % interval", "with undecided"];
  const groups = [["Verified rows by generator", form.generators], ["Verified rows by style", form.styles], ["Rejected rows by code", form.codes]];
  const grounds = [...new Set(Object.values(form.grounds).flatMap(Object.keys))];
  return make("div", { class: "figures" }, make("div", { class: "tiles" }, ...tiles),
    table("By verdict", ["", "in the run", ...counted, "good rows refused"], form.verdicts.map((each) => [
      each.verdict, each.rows, ...shares(each), each.lost ? `${percent(each.lost.value)} (${range(each.lost)})` : ""])),
    ...groups.filter(([, rows]) => rows.length).map(([title, rows]) => table(title, ["", ...counted], rows.map((each) => [each.name, ...shares(each)]))),
    grounds.length ? table("Grounds for bad", ["", "verified", "rejected"], grounds.map((each) => [
      GROUNDS.find(([key]) => key === each)[1], form.grounds.verified[each] ?? 0, form.grounds.rejected[each] ?? 0])) : "",
    table("Reviewers", ["", "judged", "good", "bad", "unsure", "good among the verified"], form.reviewers.map((each) => [
      each.name, each.judged, each.good, each.bad, each.unsure, each.verified ? `${percent(each.verified.value)} (${range(each.verified)})` : ""])),
    form.agreement.length ? table("Agreement", ["", "both judged", "agreed", "kappa"], form.agreement.map((each) => [
      each.reviewers.join(" and "), each.rows, each.agreed ? `${percent(each.agreed.value)} (${range(each.agreed)})` : "",
      each.kappa ? `${each.kappa.value.toFixed(2)} (${each.kappa.low.toFixed(2)} to ${each.kappa.high.toFixed(2)})` : "not defined"])) : "");
}

function table(title, head, rows) {
  const cells = (row) => row.map((cell, index) => make(index ? "td" : "th", index ? {} : { scope: "row" },
    typeof cell === "number" ? cell.toLocaleString("en") : cell));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, make("table", {}, make("caption", {}, title),
    make("thead", {}, make("tr", {}, ...head.map((word) => make(word ? "th" : "td", word ? { scope: "col" } : {}, word)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row))))));
}

// Keys and buttons

const bad = () => ($("grounds").hidden ? openGrounds(true) : once(() => judge("bad")));
const note = () => { openNote(true); $("note").focus(); };
const showFigures = () => once(async () => { $("figures-body").replaceChildren(figures(await ask("figures"))); $("figures").showModal(); });
const showHelp = () => $("help").showModal();

const KEYS = {
  g: () => once(() => judge("good")), b: bad, u: () => once(() => judge("unsure")), n: note, r: () => once(reveal), z: () => once(undo),
  ArrowRight: () => once(() => step(1)), j: () => once(() => step(1)), ArrowLeft: () => once(() => step(-1)), k: () => once(() => step(-1)),
};
const BUTTONS = {
  good: KEYS.g, bad, unsure: KEYS.u, reveal: KEYS.r, undo: KEYS.z, back: KEYS.k, next: KEYS.j, again: () => once(() => show(0)),
  "note-open": () => ($("note-bar").hidden ? note() : openNote(false)), "figures-open": showFigures, "help-open": showHelp,
  other: () => { sessionStorage.removeItem("reviewer"); place.reviewer = null; place.notes.clear(); once(() => begin(null)); },
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.matches("textarea, input:not([type=checkbox])")) {
    if (key === "Escape" && target === $("note")) $("place").focus({ preventScroll: true });
    return;
  }
  if (!$("keys").checked) return;
  const choosing = !$("grounds").hidden && !$("row").hidden;
  const box = choosing && /^[1-9]$/.test(key) ? $("choices").querySelectorAll("input")[Number(key) - 1] : null;
  const action = key === "?" ? showHelp : key === "f" && place.reviewer ? showFigures : $("row").hidden ? null
    : box ? () => { box.checked = !box.checked; }
    : choosing && key === "Enter" ? bad
    : choosing && key === "Escape" ? () => openGrounds(false)
    : Object.hasOwn(KEYS, key) ? KEYS[key] : null;
  if (!action) return;
  event.preventDefault();
  action();
});

for (const [id, action] of Object.entries(BUTTONS)) $(id).addEventListener("click", action);
$("name").addEventListener("submit", (event) => {
  event.preventDefault();
  once(() => begin($("reviewer").value));
});
$("grounds").addEventListener("submit", (event) => event.preventDefault());
$("note").addEventListener("input", () => place.notes.set(place.row.id, $("note").value));
$("choices").append(...GROUNDS.map(([key, words], index) => make("label", {},
  make("input", { type: "checkbox", value: key }), words, make("kbd", { "aria-hidden": "true" }, String(index + 1)))));

once(async () => {
  const name = sessionStorage.getItem("reviewer");
  await begin(name).catch(async (error) => {
    if (!name) throw error;
    sessionStorage.removeItem("reviewer");
    await begin(null);
    throw error;
  });
});
