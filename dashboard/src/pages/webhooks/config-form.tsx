import { Send } from "lucide-react";
import { useState } from "react";
import { useRegenerateWebhookSecret, useTestWebhook, useUpdateMerchant } from "../../api/queries";
import { Button } from "../../components/button";
import { TextField } from "../../components/field";
import { ConfirmDialog } from "../../components/modal";
import { Credential } from "../../components/secret";
import { notify, notifyError } from "../../components/toasts";
import { useSignedInMerchant } from "../../layout/merchant-context";
import styles from "./config-form.module.css";

export function ConfigForm() {
  const merchant = useSignedInMerchant();
  // What is being typed; null while the field shows what is saved.
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const update = useUpdateMerchant();
  const regenerate = useRegenerateWebhookSecret();
  const test = useTestWebhook();

  const saved = merchant.webhook_url ?? "";
  const url = draft ?? saved;

  const save = (): void => {
    const wanted = url.trim();
    update.mutate(
      { webhook_url: wanted === "" ? null : wanted },
      {
        onSuccess: (changed) => {
          setDraft(null);
          setProblem(null);
          notify(changed.webhook_url === null ? "Webhooks switched off" : "Webhook URL saved");
        },
        onError: (error) => setProblem(error.message),
      },
    );
  };
  const sendTest = (): void => {
    if (saved === "") {
      setProblem("Save a URL first; the test is sent to it.");
      return;
    }
    test.mutate(undefined, {
      onSuccess: () => notify("Test webhook queued", { detail: `To ${saved}` }),
      onError: (error) => notifyError("The test webhook was not sent", error),
    });
  };
  const confirmRegenerate = (): void =>
    regenerate.mutate(undefined, {
      onSuccess: () => {
        setAsking(false);
        notify("New webhook secret in use", { detail: "Put it on your server now." });
      },
      onError: (error) => {
        setAsking(false);
        notifyError("The secret was not changed", error);
      },
    });

  return (
    <>
      <form
        data-test-id="webhook-config-form"
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <h2 className={styles.heading}>Webhook Configuration</h2>
        <TextField
          label="Webhook URL"
          data-test-id="webhook-url-input"
          type="url"
          placeholder="https://yoursite.com/webhook"
          autoComplete="off"
          spellCheck={false}
          value={url}
          error={problem}
          hint={saved === "" ? "Without a URL nothing is sent." : "Leave it empty and save to stop sending."}
          onChange={(event) => {
            setDraft(event.currentTarget.value);
            setProblem(null);
          }}
        />
        <div>
          <p className={styles.label}>Webhook Secret</p>
          <div className={styles.secret}>
            <Credential name="webhook secret" value={merchant.webhook_secret} testId="webhook-secret" secret />
            <Button data-test-id="regenerate-secret-button" onClick={() => setAsking(true)}>
              Regenerate
            </Button>
          </div>
          <p className={styles.hint}>Signs every request. Your server checks the signature with it.</p>
        </div>
        <div className={styles.actions}>
          <Button data-test-id="save-webhook-button" type="submit" look="primary" busy={update.isPending}>
            Save Configuration
          </Button>
          <Button data-test-id="test-webhook-button" busy={test.isPending} onClick={sendTest}>
            <Send size={15} aria-hidden="true" />
            Send Test Webhook
          </Button>
        </div>
      </form>
      <ConfirmDialog
        title="Regenerate the webhook secret?"
        open={asking}
        onClose={() => setAsking(false)}
        confirmLabel="Regenerate"
        danger
        busy={regenerate.isPending}
        onConfirm={confirmRegenerate}
      >
        <p>
          The headers <code>X-Webhook-Signature</code> and <code>X-Signature</code> are signed with the new secret at once:
          a server that still checks with the old one refuses them until you have put the new one there.
        </p>
        <p>
          Servers that check the standard <code>webhook-signature</code> header go on working for 24 hours, because it
          carries both signatures.
        </p>
      </ConfirmDialog>
    </>
  );
}
