// Enhancement only: every page works without it. The copy button appears where it can do something.
"use strict";

for (const block of document.querySelectorAll("[data-copy]")) {
  const button = block.querySelector("[data-copy-button]");
  const status = block.querySelector("[data-copy-status]");
  const word = button.textContent;
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("[data-copy-text]").textContent);
    button.textContent = status.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = word;
      status.textContent = "";
    }, 2000);
  });
}
