// The two buttons of an execution that change something. Each asks first.

"use strict";

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
