// The page works without this script, which updates the times left and shows new requests.
"use strict";

const span = (seconds) => {
  const left = Math.max(0, Math.floor(seconds));
  const days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24;
  const minutes = Math.floor(left / 60) % 60;
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${left % 60} s` : `${left} s`;
};

const tick = () => {
  for (const each of document.querySelectorAll("[data-deadline]")) {
    const left = Number(each.dataset.deadline) - Date.now() / 1000;
    const whole = Number(each.dataset.whole);
    each.querySelector(".span").textContent = left > 0 ? `${span(left)} left` : "time is up";
    each.querySelector("progress").value = Math.max(0, 1000 * left / whole);
    each.classList.toggle("soon", left < whole / 5);
  }
};

// Do not reload while somebody is writing.
const busy = () => [...document.querySelectorAll("form input:not([type=hidden])")].some((input) => input.value || input === document.activeElement);

const look = async () => {
  const main = document.querySelector("[data-state]");
  if (!main || document.hidden) return;
  const answer = await fetch(main.dataset.stateUrl).catch(() => null);  // out of reach: try again later
  if (!answer || !answer.ok || await answer.text() === main.dataset.state) return;
  if (busy()) document.querySelector(".news").hidden = false;
  else location.reload();
};

// Ignore a second click while a form is being sent.
document.addEventListener("submit", (event) => {
  setTimeout(() => { for (const button of event.target.querySelectorAll("button")) button.disabled = true; });
});
window.addEventListener("pageshow", () => { for (const button of document.querySelectorAll("button")) button.disabled = false; });

// Select the link, ready to copy.
for (const link of document.querySelectorAll(".link")) { link.focus(); link.select(); link.addEventListener("click", () => link.select()); }

// Copy the link. A page on plain HTTP of another host has no clipboard but the old command.
for (const button of document.querySelectorAll(".copy")) {
  const link = document.querySelector(".link");
  button.hidden = false;
  button.addEventListener("click", async () => {
    link.select();
    const done = await (navigator.clipboard ? navigator.clipboard.writeText(link.value).then(() => true, () => false) : false);
    button.textContent = done || document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 4000);
  });
}

setInterval(tick, 1000);
setInterval(look, 1500);
