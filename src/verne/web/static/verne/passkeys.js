/* Passkeys: making one, showing one. The pages say what it is for:
   form[data-passkey]   a form whose answer comes from a passkey: sign-in, second or add
   input[data-sign]     a password that signs; beside it a passkey may be shown instead
   data-passkey-failed  is shown when the browser gives none; data-passkey-never where it never will */
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const able = Boolean(window.PublicKeyCredential && window.isSecureContext && navigator.credentials);

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const words = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const credential = (each) => ({ ...each, id: bytes(each.id) });

  async function ask(purpose) {
    const answer = await fetch(`/sign-in/passkey/options?for=${purpose}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`options: ${answer.status}`);
    return (await answer.json()).publicKey;
  }

  async function make() {
    const options = await ask("add");
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = (options.excludeCredentials || []).map(credential);
    const made = await navigator.credentials.create({ publicKey: options });
    return tell(made, { attestationObject: words(made.response.attestationObject) });
  }

  async function show(purpose) {
    const options = await ask(purpose);
    options.challenge = bytes(options.challenge);
    if (options.allowCredentials) options.allowCredentials = options.allowCredentials.map(credential);
    const shown = await navigator.credentials.get({ publicKey: options });
    const { authenticatorData, signature, userHandle } = shown.response;
    return tell(shown, {
      authenticatorData: words(authenticatorData),
      signature: words(signature),
      ...(userHandle && userHandle.byteLength ? { userHandle: words(userHandle) } : {}),
    });
  }

  const tell = (found, response) => JSON.stringify({
    id: found.id,
    rawId: words(found.rawId),
    type: found.type,
    clientExtensionResults: {},
    response: { clientDataJSON: words(found.response.clientDataJSON), ...response },
  });

  /* Does the work once at a time, and says so when nothing came of it. */
  async function attempt(within, button, work) {
    const failed = within.querySelector("[data-passkey-failed]");
    failed.hidden = true;
    button.disabled = true;
    try { await work(); } catch (fault) { console.warn(fault); failed.hidden = false; } finally { button.disabled = false; }
  }

  for (const form of all("form[data-passkey]")) {
    if (!able) {
      if (form.dataset.passkey === "add") form.hidden = true;
      continue;
    }
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const purpose = form.dataset.passkey;
      attempt(form, form.querySelector("button:not([type=button])"), async () => {
        const field = form.elements[purpose === "add" ? "answer" : "passkey"];
        field.value = purpose === "add" ? await make() : await show(purpose);
        form.submit();
      });
    });
  }
  if (!able) all("[data-passkey-never]").forEach((notice) => { notice.hidden = false; });

  /* Signing: the button sends the form as its own first button would. */
  const template = document.getElementById("passkey-sign");

  function offer(within) {
    for (const field of all("input[data-sign]", within)) {
      const place = field.closest(".field");
      if (!place || place.querySelector(".passkey-sign")) continue;
      const part = template.content.firstElementChild.cloneNode(true);
      place.append(part);
      const button = part.querySelector("button");
      button.addEventListener("click", () => attempt(part, button, async () => {
        const form = field.form;
        const answer = document.createElement("input");
        answer.type = "hidden";
        answer.name = "passkey";
        answer.value = await show("sign");
        form.append(answer);
        field.required = false;
        form.requestSubmit(form.querySelector("button.primary, button.danger:not([name])"));
      }));
    }
  }

  if (able && template) {
    offer(document);
    document.addEventListener("htmx:load", (event) => offer(event.detail.elt));
  }
})();
