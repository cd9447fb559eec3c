// The review desk: keys, and answers that are filled in without a new page. Everything works without it.
"use strict";

const desk = document.querySelector(".desk");
const form = document.querySelector("[data-desk-decide]");
const submit = form?.querySelector("[data-desk-submit]");
const text = form?.querySelector("textarea");
const legend = document.querySelector("[data-desk-legend]");
const FIELD = "textarea, select, input:not([type=checkbox], [type=radio]), [contenteditable]";

// What an answer filled in and nobody changed since; another answer, or another outcome, takes its place.
let filled = new URLSearchParams(location.search).has("answer") ? text?.value : "";

if (legend) legend.hidden = false;

function tick(criteria) {
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = criteria.includes(box.value);
}

function outcome() {
  return form?.querySelector("input[type=radio]:checked")?.value;
}

function clear() {
  if (filled && text.value.trim() === filled.trim()) {
    text.value = "";
    tick([]);
  }
  filled = "";
}

function fill(answer) {
  const typed = text.value.trim() && text.value.trim() !== filled?.trim() ? `${text.value.trim()}\n\n` : "";
  text.value = typed + answer.dataset.answer;
  filled = typed ? "" : text.value;
  tick(answer.dataset.criteria.split(" "));
  submit.focus();
}

function choose(value) {
  const radio = form?.querySelector(`input[type=radio][value=${value}]`);
  if (!radio) return;
  if (!radio.checked) {
    radio.checked = true;
    clear();
  }
  submit.focus();
}

function press(key) {
  const agree = document.querySelector("[data-desk-agree]");
  const chosen = { a: "approve", r: "refuse", q: "ask" }[key];
  if (key === "a" && agree) agree.focus();
  else if (chosen) choose(chosen);
  else if (key >= "1" && key <= "9") document.querySelectorAll(`.desk-for-${outcome()} [data-answer]`)[key - 1]?.click();
  else document.querySelector(`button[data-key="${key}"]`)?.click();
  document.querySelector(`[data-key-focus="${key}"]`)?.focus();
}

form?.addEventListener("change", (event) => {
  if (event.target.type === "radio") clear();
});

form?.addEventListener("click", (event) => {
  const answer = event.target.closest("[data-answer]");
  if (!answer || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  fill(answer);
});

// One key is a shortcut only where it is no text: never in a field, never with another key, and it can be switched off.
if (desk?.hasAttribute("data-desk-keys")) {
  for (const hint of document.querySelectorAll("[data-desk-hint]")) hint.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.target.closest(FIELD)) {
      if (event.key === "Escape") event.target.blur();
    } else if (/^[a-z1-9]$/.test(event.key)) {
      const known = document.activeElement;
      press(event.key);
      if (document.activeElement !== known) event.preventDefault();
    }
  });
}
