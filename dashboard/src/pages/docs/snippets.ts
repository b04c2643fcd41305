import type { Addresses } from "../../api/addresses";
import type { Merchant } from "../../api/types";
import type { Snippet } from "../../components/code-block";

type Keys = Pick<Merchant, "api_key" | "api_secret">;

export function createOrderSnippets({ api_key, api_secret }: Keys, { api }: Addresses): Snippet[] {
  return [
    {
      language: "curl",
      code: `curl -X POST ${api}/api/v1/orders \\
  -H "X-Api-Key: ${api_key}" \\
  -H "X-Api-Secret: ${api_secret}" \\
  -H "Content-Type: application/json" \\
  -d '{
    "amount": 50000,
    "currency": "INR",
    "receipt": "receipt_123"
  }'`,
    },
    {
      language: "Node.js",
      code: `const response = await fetch('${api}/api/v1/orders', {
  method: 'POST',
  headers: {
    'X-Api-Key': '${api_key}',
    'X-Api-Secret': '${api_secret}',
    'Content-Type': 'application/json',
    'Idempotency-Key': cart.id, // the same cart never makes two orders
  },
  body: JSON.stringify({ amount: 50000, currency: 'INR', receipt: cart.id }),
});
const order = await response.json();
if (!response.ok) throw new Error(order.error.description);`,
    },
    {
      language: "Python",
      code: `import httpx

response = httpx.post(
    "${api}/api/v1/orders",
    headers={
        "X-Api-Key": "${api_key}",
        "X-Api-Secret": "${api_secret}",
        "Idempotency-Key": cart.id,  # the same cart never makes two orders
    },
    json={"amount": 50000, "currency": "INR", "receipt": cart.id},
)
response.raise_for_status()
order = response.json()`,
    },
  ];
}

export function sdkSnippets({ api_key }: Keys, { checkout }: Addresses): Snippet[] {
  return [
    {
      language: "HTML",
      code: `<script src="${checkout}/checkout.js"></script>
<button id="pay-button">Pay now</button>
<script>
document.getElementById('pay-button').addEventListener('click', () => {
  const checkout = new PaymentGateway({
    key: '${api_key}',
    orderId: 'order_xyz', // the id from step 1
    onSuccess: (response) => {
      console.log('Payment ID:', response.paymentId);
    },
    onFailure: (error) => {
      console.log('Payment failed:', error);
    },
    onClose: () => {
      console.log('Closed');
    }
  });
  checkout.open();
});
</script>`,
    },
    {
      language: "Link",
      code: `${checkout}/checkout?order_id=order_xyz`,
    },
  ];
}

export function webhookSnippets(): Snippet[] {
  return [
    {
      language: "Node.js",
      code: `const crypto = require('crypto');
const express = require('express');

function verifyWebhook(rawBody, signature, secret) {
  const expectedSignature = crypto
    .createHmac('sha256', secret)
    .update(rawBody)
    .digest('hex');
  const expected = Buffer.from(expectedSignature);
  const received = Buffer.from(signature || '');
  return expected.length === received.length
    && crypto.timingSafeEqual(expected, received);
}

// The signature is over the bytes as they came:
// verify first, parse afterwards.
const app = express();
app.use(express.raw({ type: 'application/json' }));

app.post('/webhook', (request, response) => {
  const signature = request.get('X-Webhook-Signature');
  const secret = process.env.WEBHOOK_SECRET;
  if (!verifyWebhook(request.body, signature, secret)) {
    return response.sendStatus(401);
  }
  const { event, data } = JSON.parse(request.body);
  if (event === 'payment.success') fulfil(data.payment.order_id);
  response.sendStatus(200);
});`,
    },
    {
      language: "Python",
      code: `import hashlib
import hmac
import os

from fastapi import FastAPI, HTTPException, Request

app = FastAPI()


def verify_webhook(raw_body: bytes, signature: str, secret: str) -> bool:
    expected = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


@app.post("/webhook")
async def receive(request: Request):
    # The signature is over the bytes as they came.
    raw_body = await request.body()
    signature = request.headers.get("X-Webhook-Signature", "")
    secret = os.environ["WEBHOOK_SECRET"]
    if not verify_webhook(raw_body, signature, secret):
        raise HTTPException(401)
    message = await request.json()
    if message["event"] == "payment.success":
        fulfil(message["data"]["payment"]["order_id"])
    return "OK"`,
    },
  ];
}

export function refundSnippets({ api_key, api_secret }: Keys, { api }: Addresses): Snippet[] {
  return [
    {
      language: "curl",
      code: `curl -X POST ${api}/api/v1/payments/pay_xyz/refunds \\
  -H "X-Api-Key: ${api_key}" \\
  -H "X-Api-Secret: ${api_secret}" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: refund-of-return-17" \\
  -d '{"amount": 25000, "reason": "One of two returned"}'`,
    },
  ];
}
