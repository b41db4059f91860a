// The page of nnlab mark: one answer at a time, a mark sent the moment it is made and shown as kept only when the server
// has written it. All that students wrote is set as text, never as HTML. What is not kept yet stays in the page, is tried
// again, and is there after a reload.
"use strict";

const AS_BEFORE = -1; // in place of a level: the points stay, the comment is new
const RETRY = 4000, PAUSE = 800; // milliseconds until a mark is sent again; of typing until a comment is sent
const $ = (id) => document.getElementById(id);
const waiting = new Map(Object.entries(JSON.parse(sessionStorage.getItem("waiting") || "{}"))); // key -> what to send
let state = null, exercise = 0, place = 0, sending = false, typing = 0, trouble = "";

function made(tag, text = "", more = {}) {
  const element = Object.assign(document.createElement(tag), more);
  element.append(text);
  return element;
}

// ---------------------------------------------------------------- texts

// Markdown only as far as it cannot mislead: code, tables, bold and headings; everything else stays as it was typed.
function prose(box, text) {
  box.replaceChildren();
  for (const part of text.split(/(```[^]*?(?:```|$))/)) {
    if (part.startsWith("```")) {
      box.append(made("pre", part.replace(/^```[^\n]*\n?/, "").replace(/\n?```$/, "")));
      continue;
    }
    for (const block of part.split(/((?:^[ \t]*\|.*(?:\n|$))+)|\n[ \t]*\n/m)) {
      if (!block || !block.trim()) continue;
      if (block.trimStart().startsWith("|")) box.append(table(block));
      else box.append(paragraph(block.replace(/^\n+|\s+$/g, "")));
    }
  }
}

function table(text) {
  const box = document.createElement("table");
  for (const line of text.trim().split("\n")) {
    if (/^[\s|:-]*-[\s|:-]*$/.test(line)) continue; // what is between the heads and the rest
    const row = box.insertRow();
    for (const cell of line.trim().replace(/^\||\|$/g, "").split("|")) row.insertCell().append(cell.trim());
  }
  return box;
}

function paragraph(text) {
  const p = document.createElement("p");
  if (/^\*[^*\n]+\*$/.test(text)) {
    p.append(made("em", text.slice(1, -1)));
    return p;
  }
  for (const line of text.split(/(^#{1,6} .*$)/m)) {
    if (/^#{1,6} /.test(line)) p.append(made("strong", line.replace(/^#+ /, "")));
    else {
      for (const piece of line.split(/(`[^`\n]+`|(?<=^|[\s(>])\*\*(?=\S)[^*\n]+\*\*(?=$|[\s).,;:!?]))/)) {
        if (/^`[^`]+`$/.test(piece)) p.append(made("code", piece.slice(1, -1)));
        else if (/^\*\*[^*]+\*\*$/.test(piece)) p.append(made("strong", piece.slice(2, -2)));
        else p.append(piece);
      }
    }
  }
  return p;
}

const points = (number) => `${number} ${number === 1 ? "point" : "points"}`;

// ---------------------------------------------------------------- what is shown

const asked = () => state.exercises[exercise];
const answer = () => asked().answers[place];
const marked = (one) => one.mark !== null && one.mark.points !== null;
const done = (one) => one.answers.filter(marked).length;

function showAll() {
  $("unit").textContent = state.unit;
  document.title = `Marking: ${state.unit}`;
  $("marker").textContent = `marking as ${state.marker}`;
  $("exercises").replaceChildren(...state.exercises.map((one, at) => {
    const button = made("button", "", { onclick: () => turn(at) });
    button.dataset.name = one.name;
    return button;
  }));
  turn(exercise, place);
}

function turn(to, at = -1) {
  flush();
  exercise = to;
  const one = asked();
  prose($("question-text"), one.question);
  prose($("model-text"), one.model);
  $("levels").replaceChildren(...one.levels.map((level, number) => {
    const button = made("button", one.keys[number] ? made("kbd", one.keys[number]) : "", { onclick: () => choose(number) });
    const words = made("span", made("b", points(level.points)));
    words.append(level.text);
    button.append(words);
    return button;
  }));
  $("main").hidden = false;
  $("mark").inert = !one.answers.length;
  agreement();
  go(at >= 0 ? at : Math.max(0, one.answers.findIndex((each) => !marked(each))));
}

function go(to) {
  flush();
  const all = asked().answers;
  place = Math.min(Math.max(to, 0), all.length - 1);
  if (all.length) {
    $("who").textContent = answer().name;
    $("place").textContent = `answer ${place + 1} of ${all.length}`;
    if (answer().prose.trim()) prose($("answer"), answer().prose);
    else $("answer").replaceChildren(made("p", "No text was found in the cell of this exercise. That can be a deleted "
      + "cell: leave it unmarked and look into the notebook, or mark it as no answer.", { className: "soft" }));
    $("comment").value = answer().mark?.comment ?? "";
    sessionStorage.setItem("place", JSON.stringify([asked().name, answer().key]));
  } else {
    place = 0;
    $("who").textContent = "Nothing to mark here";
    $("place").textContent = "";
    $("answer").replaceChildren(made("p", "No answer to this question is graded yet, or all are decided."));
  }
  refresh();
  $("who").focus({ preventScroll: true });
  if ($("who").getBoundingClientRect().top < 0) $("who").scrollIntoView();
}

function refresh() {
  const one = asked(), all = one.answers;
  for (const [at, button] of [...$("exercises").children].entries()) {
    const each = state.exercises[at];
    button.textContent = `${each.name} ${done(each)}/${each.answers.length}`;
    button.setAttribute("aria-current", at === exercise);
  }
  const finished = all.length > 0 && done(one) === all.length;
  $("progress").textContent = `${one.name}: ` + (finished ? `all ${all.length} marked` : `marked ${done(one)} of ${all.length}`);
  $("bar").max = all.length || 1;
  $("bar").value = done(one);
  const mark = all.length ? answer().mark : null;
  for (const [number, button] of [...$("levels").children].entries())
    button.setAttribute("aria-pressed", mark !== null && mark.level === number);
  $("undo").disabled = !(mark && mark.points !== null);
  $("trouble").hidden = !trouble;
  if ($("trouble").textContent !== trouble) $("trouble").textContent = trouble;
  say(mark);
}

function say(mark) {
  let words = "Not marked yet: pending";
  if (mark && mark.points !== null) words = mark.level === null ? `${points(mark.points)}, by an earlier rubric` : points(mark.points);
  else if (mark && mark.comment) words = "Comment only; the points are pending";
  if (mark && asked().answers.length) {
    if (waiting.has(answer().key)) words += trouble ? ". Not kept yet" : ". Keeping it…";
    else if (mark.at) words += `. Kept at ${new Date(mark.at).toLocaleTimeString()}`;
  }
  if ($("status").textContent !== words) $("status").textContent = words;
}

// ---------------------------------------------------------------- marking

function choose(level) {
  if (!asked().answers.length || (level === null && !marked(answer()))) return;
  change(level, $("comment").value);
  if ($("going").checked && level !== null) nextUnmarked();
}

function change(level, comment) {
  clearTimeout(typing);
  typing = 0;
  answer().mark = looks(asked(), { level, comment }, answer().mark);
  waiting.set(answer().key, { key: answer().key, level, comment });
  remember();
  send();
  refresh();
}

// A mark as it will look once it is kept.
function looks(one, { level, comment }, before) {
  if (level === AS_BEFORE) return { level: null, points: before?.points ?? null, comment, at: "" };
  return { level, points: level === null ? null : one.levels[level].points, comment, at: "" };
}

// A comment that was typed and not sent yet.
function flush() {
  if (!typing || !state) return;
  clearTimeout(typing);
  typing = 0;
  const { mark } = answer();
  if ($("comment").value === (mark?.comment ?? "")) return;
  change(mark?.level ?? (mark && mark.points !== null ? AS_BEFORE : null), $("comment").value);
}

function nextUnmarked() {
  const all = asked().answers;
  for (let step = 1; step <= all.length; step++) {
    const at = (place + step) % all.length;
    if (!marked(all[at])) return go(at);
  }
  flush();
}

const remember = () => sessionStorage.setItem("waiting", JSON.stringify(Object.fromEntries(waiting)));

async function send() {
  if (sending) return;
  sending = true;
  for (const key of [...waiting.keys()]) {
    const what = waiting.get(key);
    let kept = null, problem = "the page cannot reach nnlab mark: is it still running?", final = false;
    try {
      const reply = await fetch("mark", { method: "POST", keepalive: true, body: JSON.stringify(what),
        headers: { "Content-Type": "application/json" } });
      const told = reply.headers.get("Content-Type").startsWith("application/json") ? await reply.json() : {};
      if (reply.ok) kept = told;
      else [problem, final] = [told.problem ?? `refused (${reply.status})`, reply.status === 409];
    } catch { /* said below */ }
    if (kept === null) {
      trouble = `Not kept: ${problem} ` + (final ? "What you wrote stays in this page."
        : `${waiting.size} ${waiting.size === 1 ? "mark stays" : "marks stay"} in this page and will be tried again.`);
      sending = false;
      if (final) waiting.delete(key);
      if (waiting.size) setTimeout(send, RETRY);
      remember();
      return refresh();
    }
    trouble = "";
    if (waiting.get(key) === what) {
      waiting.delete(key);
      remember();
      const one = state.exercises.flatMap((each) => each.answers).find((each) => each.key === key);
      if (one) one.mark = kept;
    }
    refresh();
  }
  sending = false;
  if (waiting.size) send();
}

function agreement() {
  const found = asked().agreement, box = $("agreement-text");
  box.replaceChildren();
  $("agreement").hidden = state.markers < 2;
  if (!found.count) return box.append(made("p", "No answer has two marks yet.", { className: "soft" }));
  const kappa = found.kappa === null ? "" : `, weighted kappa ${found.kappa.toFixed(2)}`;
  box.append(made("p", `${found.count} marked by two: ${Math.round(100 * found.same)} % the same, `
    + `${found.distance.toFixed(2)} points apart on average${kappa}.`));
  if (found.differ.length) box.append(made("p", "You differ on these. The first mark counts until that marker changes it:"));
  for (const one of found.differ) {
    const at = asked().answers.findIndex((each) => each.key === one.key);
    const words = `${one.name}: ${one.marks.map(([who, number]) => `${who} ${number ?? "pending"}`).join(", ")}`;
    box.append(made("p", at < 0 ? words : made("button", words, { onclick: () => go(at) })));
  }
}

// ---------------------------------------------------------------- keys

const KEYS = {
  n: ["next unmarked", nextUnmarked], j: ["next", () => go(place + 1)], k: ["previous", () => go(place - 1)],
  ArrowRight: ["next", () => go(place + 1)], ArrowLeft: ["previous", () => go(place - 1)],
  c: ["comment", () => $("comment").focus()], u: ["take back", () => choose(null)],
  q: ["the question", () => { $("question").open = !$("question").open; }],
  m: ["the author's answer", () => { $("model").open = !$("model").open; }],
  e: ["the next question", () => turn((exercise + 1) % state.exercises.length)],
};

document.addEventListener("keydown", (event) => {
  if (!state) return;
  if (event.target === $("comment")) {
    if (event.key === "Escape") { flush(); $("who").focus(); }
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); flush(); nextUnmarked(); }
    return;
  }
  if (!$("shortcuts").checked || event.ctrlKey || event.metaKey || event.altKey) return;
  const level = asked().keys.indexOf(event.key);
  if (level >= 0 && !event.repeat) choose(level);
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key][1]();
  else return;
  event.preventDefault();
});

$("comment").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(flush, PAUSE); });
$("comment").addEventListener("blur", flush);
for (const [id, key] of [["previous", "k"], ["next", "j"], ["unmarked", "n"], ["undo", "u"]])
  $(id).addEventListener("click", KEYS[key][1]);
for (const id of ["going", "shortcuts"]) {
  $(id).checked = JSON.parse(sessionStorage.getItem(id)) ?? $(id).checked;
  $(id).addEventListener("change", () => sessionStorage.setItem(id, $(id).checked));
}
for (const [key, [words]] of [["0 to 9", ["the points beside it"]], ...Object.entries(KEYS)])
  $("keys").append(made("dt", made("kbd", key)), made("dd", words));
$("agreement").addEventListener("toggle", async () => {
  if (!$("agreement").open) return;
  const fresh = await load();
  if (!fresh) return;
  for (const one of fresh.exercises) state.exercises.find((each) => each.name === one.name).agreement = one.agreement;
  agreement();
});
window.addEventListener("pagehide", flush);
window.addEventListener("beforeunload", (event) => { flush(); if (waiting.size && trouble) event.preventDefault(); });

async function load() {
  try {
    const reply = await fetch("state"), told = await reply.json();
    if (reply.ok) return told;
    trouble = told.problem;
  } catch {
    trouble = "The page cannot reach nnlab mark: is it still running?";
  }
  $("trouble").textContent = trouble;
  $("trouble").hidden = false;
  return null;
}

load().then((told) => {
  if (!told) return;
  state = told;
  for (const one of state.exercises) {
    for (const each of one.answers) {
      const what = waiting.get(each.key);
      if (what) each.mark = looks(one, what, each.mark);
    }
  }
  const [name, key] = JSON.parse(sessionStorage.getItem("place") || "[null, null]");
  exercise = Math.max(0, state.exercises.findIndex((one) => one.name === name));
  place = state.exercises[exercise].answers.findIndex((each) => each.key === key);
  showAll();
  send();
});
