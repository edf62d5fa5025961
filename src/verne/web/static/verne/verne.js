/* Keys, drafts and small comforts. Every page works without this file.

   What it listens to is written in the page:
   data-key="e"            this letter clicks the link or button, or goes to the field
   data-list, data-row     a list to walk with j and k
   data-pick, -pick-all    boxes of a list, and the box that picks them all
   data-draft="name"       a form whose words survive a reload; data-errors: it came back refused
   data-remember="name"    a details element that stays as it was left
   data-from-hash          a field that takes what stands behind the # of the address, and is sent
   data-jump, data-dismiss, data-fill, data-focus, data-single-keys, data-forget-drafts */
"use strict";
(() => {
  const { person: somebody, draftsKey } = document.documentElement.dataset;
  const person = somebody || "nobody";
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility();

  /* What is kept on this machine. A browser may refuse storage: then nothing is kept. */
  const keep = {
    get(name) { try { return JSON.parse(localStorage.getItem(`verne:${person}:${name}`)); } catch { return null; } },
    set(name, value) { try { localStorage.setItem(`verne:${person}:${name}`, JSON.stringify(value)); } catch { /* full or refused */ } },
    drop(name) { try { localStorage.removeItem(`verne:${person}:${name}`); } catch { /* refused */ } },
    names() { try { const own = `verne:${person}:`; return Object.keys(localStorage).filter((key) => key.startsWith(own)).map((key) => key.slice(own.length)); } catch { return []; } },
  };

  /* --- Keys ---------------------------------------------------------------------------------- */

  const writing = (element) => element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

  function openJump(event) {
    const dialog = find("#jump");
    if (!dialog) return;
    event.preventDefault();
    const rail = find("#rail:popover-open");
    if (rail) rail.hidePopover();
    if (!dialog.open) dialog.showModal();
    const field = find("input", dialog);
    field.select();
    if (!find("#jump-results", dialog).childElementCount) field.dispatchEvent(new Event("jump-open"));
  }

  function follow(key) {
    const target = all(`[data-key="${CSS.escape(key)}"]`).find(shown);
    if (!target) return false;
    if (writing(target)) { target.focus(); target.scrollIntoView({ block: "nearest" }); }
    else { target.focus(); target.click(); }
    return true;
  }

  const rowsOnPage = () => all("[data-list] [data-row]").filter(shown);
  const currentRow = () => find("[data-row][data-current]");

  function walk(step) {
    const rows = rowsOnPage();
    if (!rows.length) return false;
    const here = rows.indexOf(currentRow());
    const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
    all("[data-row][data-current]").forEach((row) => row.removeAttribute("data-current"));
    next.setAttribute("data-current", "");
    const link = find("a[href]", next);
    if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function pickRow() {
    const box = currentRow() && find("[data-pick]", currentRow());
    if (box) box.click();
    return Boolean(box);
  }

  const letters = {
    j: () => walk(1),
    k: () => walk(-1),
    x: pickRow,
    "?": () => { const keys = find("#keys"); if (keys) keys.togglePopover(); return Boolean(keys); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") return openJump(event);
    if (event.key === "Escape") {
      const menu = event.target.closest(".menu[open]") || find(".menu[open]");
      if (menu) { menu.open = false; find("summary", menu).focus(); }
      else if (writing(event.target) && !event.target.closest("dialog")) event.target.blur();
      return;
    }
    if (event.target.closest("#jump")) return walkHits(event);
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    if (keep.get("single-keys") === false || find("dialog[open]")) return;
    if (letters[event.key] ? letters[event.key]() : /^[a-z/]$/.test(event.key) && follow(event.key)) event.preventDefault();
  });

  function walkHits(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [find("#jump input"), ...all("#jump [data-hit]")];
    const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    stops[Math.min(Math.max(next, 0), stops.length - 1)].focus();
  }

  /* --- Clicks -------------------------------------------------------------------------------- */

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    all(".menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (on("[data-jump]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) openJump(event);
    if (on("[data-dismiss]")) on(".message").remove();
    if (event.target === find("#jump")) find("#jump").close();
    const fill = on("[data-fill]");
    if (fill) {
      const field = document.getElementById(fill.dataset.fill);
      field.value = fill.dataset.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (on("[data-drop-draft]")) { const form = on("form[data-draft]"); dropDraft(form.dataset.draft); form.reset(); on(".notice").remove(); }
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-pick-all]")) all("[data-pick]", box.form).forEach((pick) => { pick.checked = box.checked; });
    if (box.matches("[data-pick], [data-pick-all]")) {
      const picks = all("[data-pick]", box.form), picked = picks.filter((pick) => pick.checked).length;
      all("[data-picked-count]", box.form).forEach((place) => { place.textContent = picked.toLocaleString(document.documentElement.lang); });
      all("[data-pick-all]", box.form).forEach((every) => { every.checked = picked === picks.length; every.indeterminate = picked > 0 && picked < picks.length; });
    }
    if (box.matches("[data-single-keys]")) keep.set("single-keys", box.checked);
  });

  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details[data-remember]")) keep.set(event.target.dataset.remember, event.target.open);
    if (event.target.matches?.(".menu") && event.target.open) find("input:not([type=hidden]), select, textarea", event.target)?.focus();
  }, true);

  /* --- Drafts -------------------------------------------------------------------------------- */

  const MONTH = 30 * 24 * 3600 * 1000;
  const wordsOf = (form) => [...form.elements].filter((field) => field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type) && !field.closest("[data-no-draft]"));
  const valueOf = (field) => (field.type === "checkbox" || field.type === "radio" ? field.checked : field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value);
  const nameOf = (field) => (field.type === "checkbox" || field.type === "radio" ? `${field.name}=${field.value}` : field.name);
  const snapshot = (form) => Object.fromEntries(wordsOf(form).map((field) => [nameOf(field), valueOf(field)]));

  /* Sealed under a key that each page of this person brings along and nothing keeps: once the session
     has ended, nobody reads what lies here. Browsers seal by https and on one's own machine only. */
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt());
  const text = (array) => btoa(Array.from(new Uint8Array(array), (byte) => String.fromCharCode(byte)).join(""));
  const key = draftsKey && crypto.subtle ? crypto.subtle.importKey("raw", bytes(draftsKey), "AES-GCM", false, ["encrypt", "decrypt"]) : null;

  async function seal(values) {
    if (!key) return { values };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv: text(iv), sealed: text(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key, new TextEncoder().encode(JSON.stringify(values)))) };
  }

  async function unseal(draft) {
    if (!draft?.sealed) return draft?.values;
    try { return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(draft.iv) }, await key, bytes(draft.sealed)))); } catch { return null; /* under another key */ }
  }

  /* One after the other: what was typed first must not be written last, nor after it was dropped. */
  let line = Promise.resolve();
  const dropDraft = (name) => { keep.drop(`draft:${name}`); line = line.then(() => keep.drop(`draft:${name}`)); };
  const keepDraft = (name, values) => { line = line.then(async () => keep.set(`draft:${name}`, { at: Date.now(), ...await seal(values) })); };

  async function restore(form) {
    const values = await unseal(keep.get(`draft:${form.dataset.draft}`));
    // A form that came back refused already holds what was sent.
    if (!values || form.hasAttribute("data-errors")) return;
    let changed = false;
    for (const field of wordsOf(form)) {
      const value = values[nameOf(field)];
      if (value === undefined || JSON.stringify(value) === JSON.stringify(valueOf(field))) continue;
      changed = true;
      if (typeof value === "boolean") field.checked = value;
      else if (Array.isArray(value)) [...field.options].forEach((option) => { option.selected = value.includes(option.value); });
      else field.value = value;
    }
    const notice = find("#draft-notice");
    if (changed && notice) form.prepend(notice.content.cloneNode(true));
    const menu = form.closest("details");
    if (changed && menu) menu.open = true;
  }

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.dataset.draft) keepDraft(form.dataset.draft, snapshot(form));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-forget-drafts]")) keep.names().filter((name) => name.startsWith("draft:")).forEach(keep.drop);
    if (form.dataset.draft) keep.set("sent", { at: Date.now(), name: form.dataset.draft });
    // Once the browser has gathered the form, a second click must not send it again.
    if (form.method === "post" && !event.defaultPrevented) setTimeout(() => all("button:not([type=button])", form).forEach((button) => { button.setAttribute("aria-busy", "true"); button.disabled = true; }));
  });
  addEventListener("pageshow", () => all("[aria-busy]").forEach((button) => { button.removeAttribute("aria-busy"); button.disabled = false; }));

  /* A draft is done with when this very page is what its sending was redirected to. A failed
     connection, a refusal and an error page are no redirects, and keep it. */
  function settleSent() {
    const sent = keep.get("sent");
    if (!sent) return;
    keep.drop("sent");
    const [arrival] = performance.getEntriesByType("navigation");
    const sentJustNow = Math.abs(performance.timeOrigin - sent.at) < 3000;
    if (arrival?.redirectCount > 0 && sentJustNow) keep.drop(`draft:${sent.name}`);
  }

  /* A cookie stays while somebody is signed in. Once it is gone, in whatever window they signed out,
     nothing stays on the screen, and signing in leads back here. */
  const signedIn = () => /(^|; )(__Host-)?here=/.test(document.cookie);
  function leave() {
    if (signedIn()) return;
    document.title = "Verne";
    document.body.replaceChildren();
    location.replace(`/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (somebody && signedIn()) {
    setInterval(leave, 5000);
    ["visibilitychange", "pageshow"].forEach((moment) => addEventListener(moment, leave));
  }

  /* A whole page where a part was asked for: the session has ended. Reloading leads to signing in. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!/^\s*<!doctype/i.test(event.detail.serverResponse)) return;
    event.detail.shouldSwap = false;
    location.reload();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const name = event.target.closest?.("form[data-draft]")?.dataset.draft;
    if (name && event.detail.successful && event.detail.requestConfig?.verb !== "get") dropDraft(name);
  });

  /* --- Arrival ------------------------------------------------------------------------------- */

  function arrive(within) {
    all(".scroll > .sticky-head", within).forEach((table) => { width.observe(table); width.observe(table.parentElement); });
    all("form[data-draft]", within).forEach(restore);
    all("[data-fill]", within).forEach((button) => { button.hidden = false; });
    all("details[data-remember]", within).forEach((details) => { const open = keep.get(details.dataset.remember); if (open !== null && !find("[aria-current]", details)) details.open = open; });
    find("[data-focus]", within)?.focus();
  }

  /* The head of a table stays in sight only where the table needs no scrolling of its own. */
  const width = new ResizeObserver((changed) => changed.forEach(({ target }) => {
    const region = target.closest(".scroll");
    region.classList.toggle("fits", region.firstElementChild.offsetWidth <= region.clientWidth);
  }));

  /* What stands behind the # of a link is a secret that no browser sends: it goes with the form. */
  const secret = find("input[data-from-hash]");
  if (secret && location.hash.length > 1) {
    secret.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    secret.form.requestSubmit();
  }

  /* Pages are not kept by browsers: going back to a refused form asks for it, and sends nothing again. */
  if (find("[data-errors]")) history.replaceState(history.state, "", location.href);

  settleSent();
  keep.names().filter((name) => name.startsWith("draft:")).forEach((name) => { const draft = keep.get(name); if (!(Date.now() - draft?.at < MONTH) || (key && !draft.sealed)) keep.drop(name); });
  all("[data-single-keys]").forEach((box) => { box.checked = keep.get("single-keys") !== false; });
  arrive(document);
  const rail = find("#rail"), here = rail && find("[aria-current]", rail);
  if (here) rail.scrollTop = Math.max(0, here.getBoundingClientRect().bottom - rail.getBoundingClientRect().top - rail.clientHeight + 96);
  document.addEventListener("htmx:afterSwap", (event) => arrive(event.target));
})();
