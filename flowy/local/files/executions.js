// Shows a domain: its task lists, what runs and polls, and its executions.

"use strict";

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
