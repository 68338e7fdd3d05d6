// Makes elements. Data from workflows is set as text, never as markup.

"use strict";

const byId = (id) => document.getElementById(id);

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
