// Passkeys, on the sign-in page and on the pages of one's second factor. A form with data-passkey says what the browser is
// asked; the answer goes into its field "passkey", and the form is sent. With it goes what the authenticator evaluates for
// us (the extension PRF), which opens a key file that is bound to it; it stays nowhere in the page. What is said meanwhile
// stands in the page. Where the browser or the address cannot do it, nothing here changes the page, which then says so.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.isSecureContext || !window.PublicKeyCredential) return;
  const raw = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const said = form.querySelector("[data-passkey-said]");

  async function make(asked) {
    const credential = await navigator.credentials.create({
      publicKey: {
        attestation: "none",
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        challenge: raw(asked.challenge),
        extensions: { prf: { eval: { first: raw(asked.prf) } } },
        excludeCredentials: asked.known.map((id) => ({ type: "public-key", id: raw(id) })),
        pubKeyCredParams: asked.algorithms.map((alg) => ({ type: "public-key", alg })),
        rp: { id: asked.host, name: asked.newsroom },
        user: { id: raw(asked.user), name: asked.handle, displayName: asked.handle },
      },
    });
    const response = credential.response;
    const prf = credential.getClientExtensionResults().prf;
    return {
      ...(prf && prf.enabled ? { prf: "" } : {}),
      id: text(credential.rawId),
      data: text(response.getAuthenticatorData()),
      client: text(response.clientDataJSON),
      public: text(response.getPublicKey()),
    };
  }

  async function use(asked) {
    const credential = await navigator.credentials.get({
      publicKey: {
        allowCredentials: (asked.usable || []).map((id) => ({ type: "public-key", id: raw(id) })),
        challenge: raw(asked.challenge),
        extensions: { prf: { eval: { first: raw(asked.prf) } } },
        rpId: asked.host,
        userVerification: "required",
      },
    });
    const response = credential.response;
    const prf = credential.getClientExtensionResults().prf;
    return {
      ...(prf && prf.results ? { prf: text(prf.results.first) } : {}),
      id: text(credential.rawId),
      data: text(response.authenticatorData),
      client: text(response.clientDataJSON),
      signature: text(response.signature),
    };
  }

  const asked = JSON.parse(form.dataset.passkey);
  const button = form.querySelector("[data-passkey-button]");
  for (const each of document.querySelectorAll("[data-passkey-on]")) each.hidden = false;
  for (const each of document.querySelectorAll("[data-passkey-off]")) each.hidden = true;
  button.addEventListener("click", async () => {
    const fields = Array.from(form.querySelectorAll("input:not([name=code])"));
    if (!fields.every((each) => each.reportValidity())) return;
    said.textContent = said.dataset.waiting;
    button.disabled = true;
    try {
      form.elements.passkey.value = JSON.stringify(await (asked.known ? make : use)(asked));
    } catch (error) {
      said.textContent = error.name === "InvalidStateError" ? said.dataset.known : said.dataset.none;
      return;
    } finally {
      button.disabled = false;
    }
    form.submit();
    form.elements.passkey.value = "";
  });
})();
