// The page of a local SWF: it fetches three kinds of JSON again and again, and has two buttons
// that change something.
//
// Data from workflows is set as text, never as markup.

"use strict";

const EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);
const view = { domain: "", status: "", find: "", page: 0, run: null, runDomain: "" };
let now = 0; // SWF's clock, in seconds, as of the last look
let turn = 0; // counts the user's actions; answers from before the latest one are dropped
let timer = 0;

// -- making elements --

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) element.append(child); // strings become text nodes
  return element;
}

function row(...cells) {
  const element = make("tr");
  for (const cell of cells) {
    element.append(cell instanceof HTMLTableCellElement ? cell : make("td", "", cell));
  }
  return element;
}

// Replaces the children that have changed, and leaves the others alone, so that a click, a focus
// or a selection survives an update.
function settle(parent, children) {
  children.forEach((fresh, place) => {
    const old = parent.children[place];
    if (!old) parent.append(fresh);
    else if (old.outerHTML === fresh.outerHTML) return;
    else if (old.tagName === "TR" && old.cells.length === fresh.cells.length) settle(old, [...fresh.cells]);
    else old.replaceWith(fresh);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

// An id or a name, which is broken only if it is longer than a line.
const word = (text) => make("span", "word", text);

function fill(table, rows) {
  settle(byId(table).tBodies[0], rows);
  byId(table).hidden = !rows.length;
  byId(`${table}-empty`).hidden = rows.length > 0;
}

function runLink(domain, execution) {
  const link = make("a", "word", execution.workflowId);
  link.href = `#/run/${encodeURIComponent(domain)}/${encodeURIComponent(execution.runId)}`;
  return link;
}

function span(seconds) {
  if (seconds < 0.0005) return "0 s";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ].filter(([count]) => count);
  return parts.slice(0, 2).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

const clockTime = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });

function dateTime(seconds) {
  const today = new Date(now * 1000).toDateString();
  const date = new Date(seconds * 1000);
  const day = date.toDateString() === today ? "" : `${date.toLocaleDateString()} `;
  return day + clockTime(seconds);
}

const badge = (status) => make("span", `badge ${status}`, status.replaceAll("_", " ").toLowerCase());

// -- all executions --

// The overview of the domain that is shown, or of another one if it does not exist.
async function lookOver() {
  const seen = await look("overview", { domain: view.domain });
  if (seen.domains.some((domain) => domain.name === view.domain)) return seen;
  const busy = seen.domains.find((domain) => domain.open + domain.closed);
  view.domain = (busy || seen.domains[0] || { name: "" }).name;
  return look("overview", { domain: view.domain });
}

function showOverview(seen) {
  const names = seen.domains.map((domain) => domain.name);
  const select = byId("domain");
  if ([...select.options].map((option) => option.value).join("\n") !== names.join("\n")) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  select.value = view.domain;
  now = seen.now;
  byId("clock").textContent = seen.held ? `${dateTime(now)} · held` : dateTime(now);
  byId("clock").classList.toggle("held", seen.held);

  const { taskLists: lists, running, pollers } = seen;
  const domain = seen.domains.find((each) => each.name === view.domain) || { open: 0, closed: 0 };
  const waiting = lists.reduce((total, list) => total + list.waiting, 0);
  byId("count-open").textContent = domain.open.toLocaleString();
  byId("count-closed").textContent = domain.closed.toLocaleString();
  byId("count-waiting").textContent = waiting.toLocaleString();
  byId("count-pollers").textContent = seen.pollersTotal.toLocaleString();
  byId("count-running").textContent = seen.runningTotal.toLocaleString();

  fill("lists", lists.map((list) => row(
    word(list.name),
    list.kind === "activity" ? "activities" : "decisions",
    make("td", "number", list.waiting.toLocaleString()),
    make("td", "number", list.pollers.toLocaleString()),
  )));
  fill("running", running.map((task) => {
    const what = make("td", "", task.what === "decision" ? "decision" : word(`${task.type.name} · ${task.what}`));
    const where = make("span", "sub", "in ", runLink(view.domain, task));
    if (task.cancelRequested) what.append(" ", make("span", "badge asked", "cancel requested"));
    if (task.details) where.append(" · ", word(task.details));
    what.append(where);
    return row(what, word(task.identity || "–"), make("td", "number", span(task.seconds)));
  }));
  fill("pollers", pollers.map((poller) => row(
    make("td", "", word(poller.identity || "–"), poller.count > 1 ? make("span", "times", ` × ${poller.count.toLocaleString()}`) : ""),
    make("td", "", word(poller.taskList), make("span", "sub", poller.kind === "activity" ? "activities" : "decisions")),
    make("td", "number", span(poller.seconds)),
  )));
}

function showExecutions(seen) {
  const last = Math.max(0, Math.ceil(seen.total / seen.pageRows) - 1);
  if (view.page > last) {
    view.page = last;
    again();
    return;
  }
  fill("executions", seen.executions.map((each) => {
    const status = make("td", "nowrap", badge(each.status));
    if (each.cancelRequested && each.status === "OPEN") {
      status.append(" ", make("span", "badge asked", "cancel requested"));
    }
    const id = make("td", "", runLink(view.domain, each));
    id.append(...each.tags.filter((tag) => !each.activities.includes(tag)).map((tag) => make("span", "tag", tag)));
    const [activity, ...others] = each.activities;
    const ran = make("td", "activity", activity ? word(activity) : "");
    if (others.length) {
      ran.append(make("span", "sub", `and ${others.length} more`));
      ran.title = each.activities.join(", ");
    }
    return row(
      status,
      id,
      make("td", "type", word(`${each.type.name} ${each.type.version}`)),
      ran,
      make("td", "nowrap started", dateTime(each.started)),
      make("td", "number took", span((each.closed || now) - each.started)),
      make("td", "number count", each.eventCount.toLocaleString()),
    );
  }));
  byId("executions-empty").textContent = view.find || view.status
    ? "No execution matches. Choose another filter."
    : "No executions yet. Start one, and it shows up here.";
  const first = view.page * seen.pageRows;
  const count = seen.executions.length;
  byId("where").textContent = count
    ? `${(first + 1).toLocaleString()}–${(first + count).toLocaleString()} of ${seen.total.toLocaleString()}`
    : "";
  byId("newer").disabled = view.page === 0;
  byId("older").disabled = view.page >= last;
  document.querySelector(".pager").hidden = seen.total <= seen.pageRows;
}

// -- one execution --

let history = { run: null, events: [] };

const CLOSES = {
  ActivityTaskCompleted: ["good", "completed"],
  ActivityTaskFailed: ["bad", "failed"],
  ActivityTaskTimedOut: ["bad", "timed out"],
  ActivityTaskCanceled: ["off", "canceled"],
  DecisionTaskCompleted: ["good", "decided"],
  DecisionTaskTimedOut: ["bad", "timed out"],
  TimerFired: ["good", "fired"],
  TimerCanceled: ["off", "canceled"],
};

function tone(type) {
  if (/TimedOut$|Failed$/.test(type)) return "bad";
  if (/Cancel/.test(type) || type === "WorkflowExecutionTerminated") return "off";
  if (/Completed$|Fired$/.test(type)) return "good";
  return /Started$|Signaled$/.test(type) ? "runs" : "";
}

function lanesOf(events) {
  const lanes = new Map();
  for (const event of events) {
    const { type, attributes } = event;
    if (type === "ActivityTaskScheduled") {
      lanes.set(event.id, { name: attributes.activityType.name, sub: attributes.activityId, from: event.time });
    } else if (type === "DecisionTaskScheduled") {
      lanes.set(event.id, { name: "decision", sub: "", from: event.time });
    } else if (type === "TimerStarted") {
      lanes.set(event.id, { name: "timer", sub: attributes.timerId, from: event.time, started: event.time });
    } else if (type === "WorkflowExecutionSignaled") {
      lanes.set(event.id, { name: "signal", sub: attributes.signalName, from: event.time, to: event.time, tone: "runs", how: "came" });
    }
    const lane = lanes.get(type.startsWith("Timer") ? attributes.startedEventId : attributes.scheduledEventId);
    if (!lane) continue;
    if (type.endsWith("TaskStarted")) {
      lane.started = event.time;
      lane.identity = attributes.identity;
    } else if (type in CLOSES) {
      lane.to = event.time;
      [lane.tone, lane.how] = CLOSES[type];
    }
  }
  return [...lanes.values()];
}

function bar(className, from, to, begin, whole) {
  const element = make("i", `bar ${className}`);
  const left = Math.min(99.6, (100 * (from - begin)) / whole);
  element.style.left = `${left}%`;
  element.style.width = `${Math.max(0, Math.min(100 - left, (100 * (to - from)) / whole))}%`;
  return element;
}

function showLanes(seen) {
  const begin = seen.started;
  const end = seen.closed || seen.now;
  const whole = Math.max(end - begin, 0.001);
  settle(byId("lanes"), lanesOf(history.events).map((lane) => {
    const to = lane.to || end;
    const track = make("div", "track");
    if (lane.started === undefined || lane.started > lane.from) {
      track.append(bar(lane.tone && !lane.started ? lane.tone : "waits", lane.from, lane.started || to, begin, whole));
    }
    if (lane.started !== undefined) track.append(bar(lane.tone || "runs", lane.started, to, begin, whole));
    const state = lane.how || (seen.closed ? "dropped" : lane.started ? "runs" : "waits");
    const name = make("span", "name", lane.name, make("span", "sub", lane.sub ? ` ${lane.sub}` : ""));
    name.title = lane.identity ? `${lane.sub || lane.name}, run by ${lane.identity}` : lane.sub || lane.name;
    return make("div", "lane", name, track, make("span", "how", `${state} · ${span(to - lane.from)}`));
  }));
  settle(byId("axis"), [0, 0.25, 0.5, 0.75, 1].map((part) => make("span", "", span(part * whole))));
}

function brief(event) {
  const said = event.attributes;
  const parts = [
    said.activityType && said.activityType.name, said.activityId, said.timerId, said.signalName,
    said.timeoutType, said.cause, said.reason, said.identity,
    said.result ?? (said.reason ? undefined : said.details) ?? said.input,
  ].filter((part) => part !== undefined && part !== "");
  const text = parts.map(oneLine).join(" · ");
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

function eventItem(event, begin) {
  const what = make("div", "what");
  const line = [make("span", "type", event.type), make("span", "short", brief(event))];
  if (Object.keys(event.attributes).length) {
    const details = make("details", "", make("summary", "", ...line));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) {
        details.append(make("pre", "", indented(JSON.stringify(event.attributes), 0)));
      }
    });
    what.append(details);
  } else {
    what.append(...line);
  }
  const when = make("span", "when", `+${span(event.time - begin)}`);
  when.title = dateTime(event.time);
  return make("li", "", make("span", "id", String(event.id)), make("span", `dot ${tone(event.type)}`), when, what);
}

function fact(name, value, long) {
  const shown = value instanceof Node ? value : make("dd", "", value);
  return make("div", long ? "long" : "", make("dt", "", name), shown);
}

const long = (name, text) => fact(name, make("dd", "", make("pre", "", readable(text))), true);

// How an execution ended, as its last event says; if a call ran one activity, as the activity's
// last event says.
function ending() {
  const { events } = history;
  const scheduled = events.filter((event) => event.type === "ActivityTaskScheduled");
  const found = [];
  if (scheduled.length === 1 && !events[0].attributes.input && scheduled[0].attributes.input) {
    found.push(long(`Input of ${scheduled[0].attributes.activityType.name}`, scheduled[0].attributes.input));
  }
  const last = events.findLast((event) => /^WorkflowExecution(Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$/.test(event.type));
  const said = last ? last.attributes : {};
  const ran = scheduled.length === 1
    ? events.findLast((event) => /^ActivityTask(Completed|Failed|TimedOut|Canceled)$/.test(event.type))
    : undefined;
  const own = ran ? ran.attributes : {};
  const says = ["result", "reason", "details", "timeoutType"].some((name) => said[name] !== undefined);
  const { result, reason, details, timeoutType } = says ? said : own;
  if (result !== undefined) found.push(long("Result", result));
  if (reason !== undefined) found.push(long("Reason", reason));
  if (timeoutType !== undefined) found.push(fact("Timeout", timeoutType.replaceAll("_", " ").toLowerCase()));
  if (details !== undefined) found.push(long("Details", details));
  if (said.cause) found.push(fact("Cause", said.cause));
  if (said.newExecutionRunId) {
    const next = { workflowId: said.newExecutionRunId, runId: said.newExecutionRunId };
    found.push(fact("Continued as", make("dd", "mono", runLink(view.runDomain, next))));
  }
  return found;
}

function showRun(seen) {
  if (history.run !== view.run) {
    history = { run: view.run, events: [] };
    byId("events").replaceChildren();
  }
  const fresh = seen.events.filter((event) => event.id > history.events.length);
  history.events.push(...fresh);
  now = seen.now;
  byId("one-id").textContent = seen.workflowId;
  const status = byId("one-status");
  status.className = `badge ${seen.status}`;
  status.textContent = seen.status.replaceAll("_", " ").toLowerCase();
  const facts = [
    fact("Type", `${seen.type.name} ${seen.type.version}`),
    fact("Started", dateTime(seen.started)),
    fact(seen.closed ? "Closed" : "Open for", seen.closed ? `${dateTime(seen.closed)}, after ${span(seen.closed - seen.started)}` : span(now - seen.started)),
    fact("Run id", make("dd", "mono", seen.runId)),
  ];
  if (seen.cancelRequested) facts.push(fact("Cancel", "requested"));
  if (seen.tags.length) facts.push(fact("Tags", seen.tags.join(", ")));
  if (seen.input) facts.push(long("Input", seen.input));
  facts.push(...ending());
  for (const beat of seen.beats) {
    if (beat.details) facts.push(long(`Latest heartbeat of ${beat.type.name} · ${beat.what}, ${span(beat.beatSeconds)} ago`, beat.details));
  }
  shown = seen;
  byId("one-acts").hidden = seen.status !== "OPEN";
  document.title = `${seen.workflowId} · Local SWF`;
  settle(byId("one-facts"), facts);
  byId("one-count").textContent = `${seen.eventCount.toLocaleString()} events`;
  byId("events").append(...fresh.map((event) => eventItem(event, seen.started)));
  showLanes(seen);
  if (seen.more) again();
}

// -- acting --

let shown = null; // the execution to which the buttons apply

const ACTS = {
  cancel: ["Ask the decider of", "to cancel it?", "Ask to cancel", "The cancellation was requested."],
  terminate: ["Terminate", "now? This cannot be undone.", "Terminate", "It was terminated."],
};

async function act(what) {
  const { workflowId, runId } = shown;
  const asked = JSON.stringify({ domain: view.runDomain, workflowId, runId });
  let said;
  try {
    const token = await look("token", {});
    const headers = { "Content-Type": "application/json", "X-Flowy-Token": token };
    const answer = await fetch(`/act/${what}`, { method: "POST", headers, body: asked });
    said = answer.ok ? ACTS[what][3] : `Refused: ${(await answer.json()).message}`;
  } catch (error) {
    said = `Not done: ${error.message}`;
  }
  if (view.run !== runId) return;
  byId("one-said").textContent = said;
  byId("one-said").hidden = false;
  again();
}

for (const button of document.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => {
    const [before, after, yes] = ACTS[button.dataset.act];
    byId("sure-text").replaceChildren(`${before} `, make("b", "word", shown.workflowId), ` ${after}`);
    byId("sure-yes").textContent = yes;
    const sure = byId("sure");
    sure.returnValue = "no";
    sure.onclose = () => sure.returnValue === "yes" && act(button.dataset.act);
    sure.showModal();
  });
}

// -- looking again and again --

async function look(what, parameters) {
  const answer = await fetch(`/look/${what}?${new URLSearchParams(parameters)}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the local SWF answered ${answer.status}`);
  return answer.json();
}

function panel(name) {
  for (const each of ["all", "one", "none"]) byId(each).hidden = each !== name;
}

async function update() {
  clearTimeout(timer);
  const mine = turn;
  try {
    const overview = await lookOver();
    if (mine !== turn) return;
    // The whole page changes at once, so that it never mixes two domains.
    if (view.run !== null) {
      const after = history.run === view.run ? history.events.length : 0;
      const seen = await look("history", { domain: view.runDomain, run: view.run, after });
      if (mine !== turn) return;
      showOverview(overview);
      panel(seen ? "one" : "none");
      if (!seen) document.title = "No such execution · Local SWF";
      if (seen) showRun(seen);
    } else {
      const { domain, status, find, page } = view;
      const seen = await look("executions", { domain, status, find, page });
      if (mine !== turn) return;
      showOverview(overview);
      panel("all");
      document.title = view.domain ? `Executions in ${view.domain} · Local SWF` : "Local SWF";
      if (seen) showExecutions(seen);
    }
    byId("state").className = "state live";
    byId("state").textContent = "live";
  } catch (error) {
    if (mine !== turn) return;
    byId("state").className = "state lost";
    byId("state").textContent = "no answer";
    console.info(error);
  }
  clearTimeout(timer);
  if (mine === turn && !document.hidden) timer = setTimeout(update, EVERY_MS);
}

function again() {
  turn += 1;
  update();
}

// The address names what is shown, so that a reload, a bookmark and the back button lead to it.
function listHash() {
  const said = new URLSearchParams();
  for (const name of ["domain", "status", "find", "page"]) {
    if (view[name]) said.set(name, view[name]);
  }
  return `#/${said.size ? `?${said}` : ""}`;
}

function route() {
  const [path, query] = location.hash.slice(1).split("?", 2);
  let parts;
  try {
    parts = path.split("/").map(decodeURIComponent);
  } catch {
    parts = ["", "run", view.domain, ""]; // not text: the execution does not exist
  }
  const [, kind, domain, run] = parts;
  view.run = kind === "run" ? run : null;
  byId("one-said").hidden = true;
  if (byId("sure").open) byId("sure").close("no");
  if (kind === "run") {
    view.domain = view.runDomain = domain;
  } else {
    const said = new URLSearchParams(query || "");
    view.domain = said.get("domain") || view.domain;
    view.status = said.get("status") || "";
    view.find = said.get("find") || "";
    view.page = Math.max(0, Math.trunc(Number(said.get("page")))) || 0;
    showFilter();
  }
  scrollTo(0, 0);
  again();
}

function showFilter() {
  if (byId("find").value !== view.find) byId("find").value = view.find;
  const tab = ["", "open"].includes(view.status) ? view.status : "closed";
  for (const each of document.querySelectorAll("[data-status]")) {
    each.setAttribute("aria-pressed", String(each.dataset.status === tab));
  }
  byId("outcome").value = tab === "closed" && view.status !== "closed" ? view.status : "";
  for (const each of document.querySelectorAll(".brand, .back a")) each.href = listHash();
}

function choose(changes, typed) {
  Object.assign(view, { page: 0 }, changes);
  showFilter();
  // The letters of a search are not separate pages to go back to.
  window.history[typed ? "replaceState" : "pushState"](null, "", listHash());
  again();
}

byId("domain").addEventListener("change", (event) => {
  if (view.run === null) {
    choose({ domain: event.target.value });
  } else {
    Object.assign(view, { page: 0, domain: event.target.value });
    location.hash = listHash();
  }
});
byId("find").addEventListener("input", (event) => choose({ find: event.target.value }, true));
byId("outcome").addEventListener("change", (event) => choose({ status: event.target.value || "closed" }));
byId("newer").addEventListener("click", () => choose({ page: view.page - 1 }));
byId("older").addEventListener("click", () => choose({ page: view.page + 1 }));
for (const button of document.querySelectorAll("[data-status]")) {
  button.addEventListener("click", () => choose({ status: button.dataset.status }));
}
document.addEventListener("visibilitychange", () => document.hidden || again());
addEventListener("hashchange", route);
route();
