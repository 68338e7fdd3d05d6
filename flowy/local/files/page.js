// The page of a local SWF: what is shown, which the address names, is fetched again and again.
//
// It is the last script: the others use what is declared here once the page is loaded.

"use strict";

const EVERY_MS = 1000;
const view = { domain: "", status: "", find: "", page: 0, run: null, runDomain: "" };
let now = 0; // SWF's clock, in seconds, as of the last look
let turn = 0; // counts the user's actions; answers from before the latest one are dropped
let timer = 0;

async function look(what, parameters) {
  const answer = await fetch(`/look/${what}?${new URLSearchParams(parameters)}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the local SWF answered ${answer.status}`);
  return answer.json();
}

// The overview of the domain that is shown, or of another one if it does not exist.
async function lookOver() {
  const seen = await look("overview", { domain: view.domain });
  if (seen.domains.some((domain) => domain.name === view.domain)) return seen;
  const busy = seen.domains.find((domain) => domain.open + domain.closed);
  view.domain = (busy || seen.domains[0] || { name: "" }).name;
  return look("overview", { domain: view.domain });
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
