// The shop's page. It creates orders at its own server, opens the gateway's SDK, and shows what the server knows.

const POLL_MS = 1000;
const STEPS = {
  unpaid: "Not paid yet",
  waiting: "Waiting for confirmation by the payment gateway …",
  paid: "Paid. Your parcel is being packed.",
  fulfilled: "Paid and on its way to you",
};
const BADGES = {
  unpaid: "Unpaid",
  waiting: "Waiting",
  paid: "Paid",
  fulfilled: "Fulfilled",
  partly_refunded: "Partly refunded",
  refunded: "Refunded",
};
const { key } = document.body.dataset;
const notice = document.querySelector("#notice");
const list = document.querySelector("#order-list");
const blank = document.querySelector("#order");

// Paid, says the browser. The server has not heard it from the gateway, so nothing is fulfilled for it.
const waiting = new Set(JSON.parse(sessionStorage.getItem("waiting") ?? "[]"));
let shown = "";

const keepWaiting = () => sessionStorage.setItem("waiting", JSON.stringify([...waiting]));

function say(text) {
  notice.hidden = !text;
  notice.textContent = text;
}

async function call(path, body) {
  const response = await fetch(path, body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(typeof answer.detail === "string" ? answer.detail : "The shop did not understand that.");
  return answer;
}

// One key per checkout, kept until it is paid: a double click, a lost answer or a reload leads to the same order.
function checkoutKey(product) {
  const name = `checkout:${product}`;
  let value = sessionStorage.getItem(name);
  if (!value) {
    value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(name, value);
  }
  return value;
}

const forgetCheckout = (product) => sessionStorage.removeItem(`checkout:${product}`);

async function buy(product) {
  let order = await call("/orders", { product, checkout: checkoutKey(product) });
  if (order.state !== "unpaid" || waiting.has(order.id)) {
    forgetCheckout(product);
    order = await call("/orders", { product, checkout: checkoutKey(product) });
  }
  pay(order);
  await refresh();
}

function pay(order) {
  if (!window.PaymentGateway) throw new Error("The payment page cannot be reached. Is the gateway running?");
  const gateway = new PaymentGateway({
    key,
    orderId: order.id,
    onSuccess: () => {
      // For the customer's eyes alone. What the shop acts on is the webhook.
      waiting.add(order.id);
      keepWaiting();
      forgetCheckout(order.product);
      say(`Thank you! ${order.receipt} is waiting for confirmation.`);
      refresh();
      document.querySelector("#orders").scrollIntoView();
    },
    onFailure: ({ description }) => say(`The payment did not go through: ${description}`),
    onClose: () => refresh(),
  });
  gateway.open();
}

// One at a time: a second click finds the button disabled.
async function guarded(button, action) {
  button.disabled = true;
  say("");
  try {
    await action();
  } catch (error) {
    say(error instanceof TypeError ? "The shop cannot be reached. Please try again." : error.message);
  } finally {
    button.disabled = false;
  }
}

function render(orders) {
  document.querySelector("#no-orders").hidden = orders.length > 0;
  list.replaceChildren(...orders.map((order) => {
    const item = blank.content.firstElementChild.cloneNode(true);
    const state = order.state === "unpaid" && waiting.has(order.id) ? "waiting" : order.state;
    item.dataset.order = order.id;
    item.dataset.state = state;
    item.querySelector("h3").textContent = order.name;
    item.querySelector(".badge").textContent = BADGES[state];
    item.querySelector(".badge").classList.add(state);
    item.querySelector(".amount").textContent = order.amount;
    item.querySelector(".receipt").textContent = order.receipt;
    const time = item.querySelector("time");
    time.dateTime = order.created_at;
    time.textContent = new Date(order.created_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    item.querySelector(".progress").textContent = STEPS[state] ?? `${order.refunded} came back to you`;
    if (order.payment_id) {
      item.querySelector(".payment").hidden = false;
      item.querySelector(".payment code").textContent = order.payment_id;
    }
    if (state === "unpaid") {
      const button = item.querySelector("button");
      button.hidden = false;
      button.setAttribute("aria-label", `Pay now for ${order.receipt}`);
      button.addEventListener("click", () => guarded(button, async () => pay(order)));
    }
    return item;
  }));
}

async function refresh() {
  const { data } = await call("/orders");
  for (const order of data) {
    if (order.state === "unpaid" || !waiting.delete(order.id)) continue;
    keepWaiting();
    say(`${order.receipt} is confirmed.`);
  }
  const text = JSON.stringify([data, [...waiting]]);
  // Only what has changed is drawn again: a button keeps the focus that it has.
  if (text !== shown) render(data);
  shown = text;
}

for (const button of document.querySelectorAll("[data-buy]")) {
  button.addEventListener("click", () => guarded(button, () => buy(button.dataset.buy)));
}

async function keepFresh() {
  if (document.visibilityState === "visible") {
    // The shop may be closed for a moment; the next round asks again.
    await refresh().catch(() => undefined);
  }
  setTimeout(keepFresh, POLL_MS);
}
keepFresh();
