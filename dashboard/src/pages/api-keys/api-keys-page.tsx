import { Switch } from "@base-ui/react/switch";
import { useState } from "react";
import { Link } from "react-router";
import { useRotateApiKeys, useUpdateMerchant } from "../../api/queries";
import { Button } from "../../components/button";
import { Facts, Mono } from "../../components/facts";
import { TextField } from "../../components/field";
import { ConfirmDialog } from "../../components/modal";
import { PageHeader } from "../../components/page-header";
import { Credential } from "../../components/secret";
import { TimeText } from "../../components/table";
import { notify, notifyError } from "../../components/toasts";
import { useSignedInMerchant } from "../../layout/merchant-context";
import styles from "./api-keys-page.module.css";

export function ApiKeysPage() {
  return (
    <>
      <PageHeader title="API keys" lead="What your programs sign in with, and how your business is called." />
      <Keys />
      <BrowserOrders />
      <Business />
    </>
  );
}

function Keys() {
  const merchant = useSignedInMerchant();
  const rotate = useRotateApiKeys();
  const [asking, setAsking] = useState(false);
  const confirm = (): void =>
    rotate.mutate(undefined, {
      onSuccess: () => {
        setAsking(false);
        notify("New API keys in use", { detail: "Put them on your server now." });
      },
      onError: (error) => {
        setAsking(false);
        notifyError("The keys were not changed", error);
      },
    });
  return (
    <section aria-labelledby="keys-heading" className={styles.section}>
      <div className={styles.about}>
        <h2 id="keys-heading">Key pair</h2>
        <p>
          Sent as <code>X-Api-Key</code> and <code>X-Api-Secret</code>. The key may be in your web page; the secret belongs
          on your server alone.
        </p>
      </div>
      <div className={styles.body}>
        <div>
          <p className={styles.label}>API key</p>
          <Credential name="API key" value={merchant.api_key} />
        </div>
        <div>
          <p className={styles.label}>API secret</p>
          <Credential name="API secret" value={merchant.api_secret} secret />
        </div>
        <div>
          <Button onClick={() => setAsking(true)}>Rotate keys</Button>
        </div>
      </div>
      <ConfirmDialog
        title="Rotate the API keys?"
        open={asking}
        onClose={() => setAsking(false)}
        confirmLabel="Rotate keys"
        danger
        busy={rotate.isPending}
        onConfirm={confirm}
      >
        <p>
          Key and secret are both replaced, and the old ones stop working at once. Until your server and your shop page have
          the new ones, they cannot make orders or take payments.
        </p>
        <p>Webhooks, and this dashboard, go on as before.</p>
      </ConfirmDialog>
    </section>
  );
}

function BrowserOrders() {
  const merchant = useSignedInMerchant();
  const update = useUpdateMerchant();
  return (
    <section aria-labelledby="browser-heading" className={styles.section}>
      <div className={styles.about}>
        <h2 id="browser-heading">Orders from the browser</h2>
        <p>
          With this on, a page may make orders with the key alone. Handy for donation buttons; anyone can choose the amount,
          so check it before you ship.
        </p>
      </div>
      <div className={styles.body}>
        <label className={styles.switchRow}>
          <Switch.Root
            className={styles.switch}
            checked={merchant.public_orders_enabled}
            disabled={update.isPending}
            onCheckedChange={(enabled) =>
              update.mutate(
                { public_orders_enabled: enabled },
                {
                  onSuccess: () => notify(enabled ? "Browser orders allowed" : "Browser orders refused"),
                  onError: (error) => notifyError("The setting was not changed", error),
                },
              )
            }
          >
            <Switch.Thumb className={styles.thumb} />
          </Switch.Root>
          Allow orders with the key alone
        </label>
      </div>
    </section>
  );
}

function Business() {
  const merchant = useSignedInMerchant();
  const update = useUpdateMerchant();
  const [draft, setDraft] = useState<string | null>(null);
  const name = draft ?? merchant.name;
  return (
    <section aria-labelledby="business-heading" className={styles.section}>
      <div className={styles.about}>
        <h2 id="business-heading">Business</h2>
        <p>
          Customers see the name at the checkout. Where to be told about payments is set under{" "}
          <Link to="/dashboard/webhooks">Webhooks</Link>.
        </p>
      </div>
      <div className={styles.body}>
        <form
          className={styles.nameForm}
          onSubmit={(event) => {
            event.preventDefault();
            update.mutate(
              { name: name.trim() },
              {
                onSuccess: () => {
                  setDraft(null);
                  notify("Name saved");
                },
                onError: (error) => notifyError("The name was not saved", error),
              },
            );
          }}
        >
          <TextField
            label="Business name"
            required
            maxLength={255}
            autoComplete="organization"
            value={name}
            onChange={(event) => setDraft(event.currentTarget.value)}
          />
          <Button type="submit" disabled={name.trim() === "" || name === merchant.name} busy={update.isPending}>
            Save
          </Button>
        </form>
        <Facts
          facts={[
            ["Merchant ID", <Mono>{merchant.id}</Mono>],
            ["Email", merchant.email],
            ["Since (UTC)", <TimeText value={merchant.created_at} />],
          ]}
        />
      </div>
    </section>
  );
}
