// Shows new webhooks as they come, and leaves open what is being read.

const POLL_MS = 2000;
const deliveries = document.querySelector("#deliveries");
let shown = deliveries.innerHTML;

async function refresh() {
  const response = await fetch("/logs", { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("#deliveries");
  if (fresh.innerHTML === shown) return;
  shown = fresh.innerHTML;
  for (const opened of deliveries.querySelectorAll("details[open]")) {
    fresh.querySelector(`details[data-number="${opened.dataset.number}"]`)?.setAttribute("open", "");
  }
  deliveries.replaceChildren(...fresh.childNodes);
}

async function keepFresh() {
  // The shop may be closed for a moment; the next round asks again.
  if (document.visibilityState === "visible") await refresh().catch(() => undefined);
  setTimeout(keepFresh, POLL_MS);
}
setTimeout(keepFresh, POLL_MS);
