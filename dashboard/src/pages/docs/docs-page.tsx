import type { ReactNode } from "react";
import { Link } from "react-router";
import { useAddresses } from "../../api/addresses";
import { CodeBlock } from "../../components/code-block";
import { PageHeader } from "../../components/page-header";
import { useSignedInMerchant } from "../../layout/merchant-context";
import styles from "./docs-page.module.css";
import { createOrderSnippets, refundSnippets, sdkSnippets, webhookSnippets } from "./snippets";

export function DocsPage() {
  const merchant = useSignedInMerchant();
  const addresses = useAddresses();
  return (
    <div data-test-id="api-docs">
      <PageHeader
        title="Integration Guide"
        lead="Three steps from nothing to a paid order. Your own keys are in the code already: copy and run."
      >
        <a href={`${addresses.api}/docs`} target="_blank" rel="noreferrer">
          Full API reference
        </a>
      </PageHeader>

      <Step
        testId="section-create-order"
        title="1. Create Order"
        code={
          <CodeBlock
            name="create order"
            snippets={createOrderSnippets(merchant, addresses)}
            secret={merchant.api_secret}
            testId="code-snippet-create-order"
          />
        }
      >
        <p>
          On your server, when a customer goes to pay. <code>amount</code> is in paise: 50000 is ₹500. Keep the{" "}
          <code>id</code> that comes back with your own record of the purchase.
        </p>
        <p>
          Send an <code>Idempotency-Key</code> with every POST that makes or moves money. If the answer gets lost you can
          send the same again, and get the same answer.
        </p>
      </Step>

      <Step
        testId="section-sdk-integration"
        title="2. SDK Integration"
        code={<CodeBlock name="SDK" snippets={sdkSnippets(merchant, addresses)} testId="code-snippet-sdk" />}
      >
        <p>
          On your page. The checkout opens above it, takes UPI or a card, and calls you back. Card data never reaches your
          page. No page of your own? Send the customer the link instead.
        </p>
        <p>
          <code>onSuccess</code> is for the customer’s eyes. Ship only what the webhook in step 3 confirms: what happens in a
          browser can be made up.
        </p>
      </Step>

      <Step
        testId="section-webhook-verification"
        title="3. Verify Webhook Signature"
        code={<CodeBlock name="webhook" snippets={webhookSnippets()} testId="code-snippet-webhook" />}
      >
        <p>
          Every webhook carries <code>X-Webhook-Signature</code>: the HMAC-SHA256 of its body with your webhook secret, in
          hex. Set URL and secret under <Link to="/dashboard/webhooks">Webhooks</Link> and send a test from there.
        </p>
        <p>
          Answer with any 2xx within 5 seconds. Otherwise it is sent again after 1 minute, 5 minutes, 30 minutes and 2 hours.
          The same webhook may come twice: <code>X-Webhook-Id</code> tells.
        </p>
      </Step>

      <Step
        testId="section-refund"
        title="4. Refund"
        code={
          <CodeBlock
            name="refund"
            snippets={refundSnippets(merchant, addresses)}
            secret={merchant.api_secret}
            testId="code-snippet-refund"
          />
        }
      >
        <p>
          All of a payment or a part of it, as often as something is left. Or without code, from the payment under{" "}
          <Link to="/dashboard/transactions">Transactions</Link>.
        </p>
      </Step>

      <section className={styles.reference} aria-labelledby="errors-heading">
        <div>
          <h2 id="errors-heading">When something is wrong</h2>
          <p>
            Every error is <code>{`{"error": {"code", "description"}}`}</code>. Decide by the code, show or log the
            description, and quote <code>X-Request-Id</code> when you ask us.
          </p>
          <dl>
            {ERRORS.map(([code, meaning]) => (
              <div key={code}>
                <dt>
                  <code>{code}</code>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </div>
        <div>
          <h2>Try it out</h2>
          <dl>
            <div>
              <dt>UPI</dt>
              <dd>
                <code>user@bank</code>
              </dd>
            </div>
            <div>
              <dt>Visa</dt>
              <dd>
                <code>4111 1111 1111 1111</code>
              </dd>
            </div>
            <div>
              <dt>Mastercard</dt>
              <dd>
                <code>5555 5555 5555 4444</code>
              </dd>
            </div>
            <div>
              <dt>Expiry, CVV</dt>
              <dd>any month to come, any three digits</dd>
            </div>
          </dl>
        </div>
      </section>
    </div>
  );
}

const ERRORS: readonly (readonly [code: string, meaning: string])[] = [
  ["AUTHENTICATION_ERROR", "The key pair is missing or wrong."],
  ["BAD_REQUEST_ERROR", "Something in the request is not as it should be; the description says what."],
  ["INVALID_VPA", "The UPI ID is not in the form name@bank."],
  ["INVALID_CARD", "The card number is not one."],
  ["EXPIRED_CARD", "The card’s month is over."],
  ["PAYMENT_FAILED", "The bank declined. It stands in the payment, not in an answer."],
  ["NOT_FOUND_ERROR", "There is no such thing, or it is not yours."],
  ["IDEMPOTENCY_ERROR", "The key was used before with another body."],
  ["RATE_LIMIT_ERROR", "Too many requests; wait as long as Retry-After says."],
  ["SERVER_ERROR", "Our fault. Send it again with the same Idempotency-Key."],
];

interface StepProps {
  testId: string;
  title: string;
  children: ReactNode;
  code: ReactNode;
}

function Step({ testId, title, children, code }: StepProps) {
  return (
    <section data-test-id={testId} className={styles.step}>
      <div className={styles.text}>
        <h2>{title}</h2>
        {children}
      </div>
      <div className={styles.code}>{code}</div>
    </section>
  );
}
