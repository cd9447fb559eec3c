// Enhancement only: every page works without it. What it can do nothing for stays hidden.
"use strict";

function enhance(part) {
  if (navigator.clipboard) for (const button of part.querySelectorAll("[data-copy-button]")) button.hidden = false;
  for (const button of part.querySelectorAll("[data-toast-close]")) button.hidden = false;
  for (const opener of part.querySelectorAll("[data-dialog]")) opener.setAttribute("aria-haspopup", "dialog");
}

async function copy(button) {
  const block = button.closest("[data-copy]");
  const status = block.querySelector("[data-copy-status]");
  button.dataset.word ??= button.textContent;
  await navigator.clipboard.writeText(block.querySelector("[data-copy-text]").textContent);
  button.textContent = status.textContent = button.dataset.copied;
  setTimeout(() => {
    button.textContent = button.dataset.word;
    status.textContent = "";
  }, 2000);
}

enhance(document);
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt.parentElement ?? document));

for (const current of document.querySelectorAll(":is(.nav-list, .tabs) [aria-current]")) {
  const bar = current.closest("ul");
  bar.scrollLeft = current.offsetLeft - bar.offsetLeft - (bar.clientWidth - current.clientWidth) / 2;
}

// A link to the page that asks opens the dialog that asks the same; its Cancel closes it. Focus returns by itself.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.showModal();
  }
  const closer = event.target.closest("dialog [data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  if (event.target.matches("dialog")) event.target.close();
  const copier = event.target.closest("[data-copy-button]");
  if (copier) copy(copier);
  event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
