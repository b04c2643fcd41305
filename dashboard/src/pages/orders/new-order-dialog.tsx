import { useRef, useState } from "react";
import { AttemptKey } from "../../api/attempt-key";
import { ApiError } from "../../api/client";
import { useCreateOrder } from "../../api/queries";
import type { Order } from "../../api/types";
import { Button } from "../../components/button";
import { FormError, TextField } from "../../components/field";
import { dialogActions, dialogForm, FormDialog } from "../../components/modal";
import { notify } from "../../components/toasts";
import { formatMoney, parseAmount } from "../../format/money";

const CURRENCY = "INR";
/** The least that the API takes, in paise. */
const MIN_AMOUNT = 100;
const MAX_RECEIPT_LENGTH = 255;

export function NewOrderDialog({ onClose, onCreated }: { onClose: () => void; onCreated: (order: Order) => void }) {
  const [text, setText] = useState("");
  const [receipt, setReceipt] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const create = useCreateOrder();
  const attempt = useRef(new AttemptKey());

  const submit = (): void => {
    const amount = parseAmount(text, CURRENCY);
    if (amount === null || amount < MIN_AMOUNT) {
      setProblem(`Enter an amount of at least ${formatMoney(MIN_AMOUNT)}.`);
      return;
    }
    const wanted = { amount, currency: CURRENCY, ...(receipt.trim() === "" ? {} : { receipt: receipt.trim() }) };
    create.mutate(
      { ...wanted, idempotencyKey: attempt.current.for(wanted) },
      {
        onSuccess: (order) => {
          notify(`Order over ${formatMoney(order.amount)} created`, { detail: order.id });
          onCreated(order);
        },
        onError: (error) => {
          if (error instanceof ApiError && error.isFinal) attempt.current.settle();
        },
      },
    );
  };
  return (
    <FormDialog title="New order" open onClose={onClose}>
      <form
        className={dialogForm}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p>You get a checkout link to send to a customer.</p>
        {create.error !== null && <FormError>{create.error.message}</FormError>}
        <TextField
          label="Amount (INR)"
          prefix="₹"
          inputMode="decimal"
          autoComplete="off"
          value={text}
          error={problem}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setProblem(null);
          }}
        />
        <TextField
          label="Receipt (optional)"
          autoComplete="off"
          maxLength={MAX_RECEIPT_LENGTH}
          hint="Your own number for it, to find it again."
          value={receipt}
          onChange={(event) => setReceipt(event.currentTarget.value)}
        />
        <div className={dialogActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={create.isPending}>
            Create order
          </Button>
        </div>
      </form>
    </FormDialog>
  );
}
