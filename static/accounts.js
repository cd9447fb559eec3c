// Passkeys: what only the browser can do. A form with data-passkey asks it before it is sent.
"use strict";

const credentials = window.webauthnJSON;

async function options(form) {
  const local = document.getElementById(form.dataset.passkeyOptions);
  if (local) return JSON.parse(local.textContent);
  const response = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

async function create(form) {
  const { creation_options: wanted } = await options(form);
  const alone = form.querySelector("input[name=passwordless]");
  if (alone) {
    Object.assign(wanted.publicKey.authenticatorSelection, {
      residentKey: alone.checked ? "required" : "discouraged",
      requireResidentKey: alone.checked,
      userVerification: alone.checked ? "required" : "preferred",
    });
  }
  return credentials.create(wanted);
}

async function use(form) {
  const { request_options: wanted } = await options(form);
  return credentials.get(wanted);
}

function tell(form, error) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = place.dataset[error.name] || place.dataset.other;
  place.hidden = false;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const credential = await (form.dataset.passkey === "create" ? create(form) : use(form));
      form.querySelector("input[name=credential]").value = JSON.stringify(credential);
      form.submit();
    } catch (error) {
      tell(form, error);
    }
  });
}
