// Wire text for people: JSON is indented, and line breaks are line breaks.
//
// The text is split into tokens, not parsed and printed again, so that a number keeps all its
// digits, and an object keeps both of two equal keys.

"use strict";

const TOKEN = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function isContainer(text) {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// A text of many lines, such as a traceback, is for people: its quotes are left alone.
function unescaped(token) {
  const value = JSON.parse(token);
  return `"${value.includes("\n") ? value : value.replaceAll('"', '\\"')}"`;
}

// The text of one JSON value; a string that is itself a JSON list or object is shown as one.
function indented(text, depth) {
  const tokens = text.match(TOKEN) || [];
  const margin = () => `\n${"  ".repeat(depth)}`;
  let shown = "";
  tokens.forEach((token, place) => {
    const next = tokens[place + 1];
    if (token === "{" || token === "[") {
      shown += token;
      if (next !== "}" && next !== "]") {
        depth += 1;
        shown += margin();
      }
    } else if (token === "}" || token === "]") {
      if (!"{[".includes(tokens[place - 1])) {
        depth -= 1;
        shown += margin();
      }
      shown += token;
    } else if (token === ",") {
      shown += `,${margin()}`;
    } else if (token === ":") {
      shown += ": ";
    } else if (token.startsWith('"')) {
      const value = JSON.parse(token);
      shown += next !== ":" && isContainer(value) ? indented(value, depth) : unescaped(token);
    } else {
      shown += token;
    }
  });
  return shown;
}

// The text of a result, an input, a reason or details; a single string of several lines is shown
// without its quotes.
function readable(text) {
  if (isContainer(text)) return indented(text, 0);
  if (/^\s*"/.test(text)) {
    try {
      const value = JSON.parse(text);
      if (value.includes("\n")) return value;
      return unescaped(text.trim());
    } catch {
      return text;
    }
  }
  return text;
}

// The same on one line, for a list.
function oneLine(text) {
  const line = readable(String(text)).replace(/\s+/g, " ").trim();
  return isContainer(text) ? line.replace(/([[{]) /g, "$1").replace(/ ([\]}])/g, "$1") : line;
}
