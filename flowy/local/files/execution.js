// Shows one execution: how it stands and ended, its lanes, and its history.

"use strict";

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
