import { useRef, useState } from "react";
import { AttemptKey } from "../../api/attempt-key";
import { ApiError } from "../../api/client";
import { usePaymentRefunds, useRefund } from "../../api/queries";
import type { Payment } from "../../api/types";
import { Button } from "../../components/button";
import { FormError, TextField } from "../../components/field";
import { dialogActions, dialogForm, FormDialog } from "../../components/modal";
import { ErrorState, Skeleton } from "../../components/states";
import { notify } from "../../components/toasts";
import { amountForInput, formatMoney } from "../../format/money";
import { readRefundAmount, refundableAmount } from "./refundable";

const MAX_REASON_LENGTH = 255;

export function RefundDialog({ payment, onClose }: { payment: Payment; onClose: () => void }) {
  const refunds = usePaymentRefunds(payment.id);
  return (
    <FormDialog title="Refund" open onClose={onClose}>
      {refunds.isPending && <Skeleton lines={3} label="Loading what is left to refund" />}
      {refunds.isError && (
        <ErrorState what="Earlier refunds" error={refunds.error} onRetry={() => void refunds.refetch()} />
      )}
      {refunds.data !== undefined && (
        <RefundForm payment={payment} available={refundableAmount(payment, refunds.data.data)} onClose={onClose} />
      )}
    </FormDialog>
  );
}

interface RefundFormProps {
  payment: Payment;
  available: number;
  onClose: () => void;
}

function RefundForm({ payment, available, onClose }: RefundFormProps) {
  const [text, setText] = useState(() => amountForInput(available, payment.currency));
  const [reason, setReason] = useState("");
  const refund = useRefund();
  const attempt = useRef(new AttemptKey());
  const read = readRefundAmount(text, available, payment.currency);

  if (available <= 0 && !refund.isPending) {
    return (
      <>
        <p>This payment has been refunded in full.</p>
        <div className={dialogActions}>
          <Button onClick={onClose}>Close</Button>
        </div>
      </>
    );
  }
  const submit = (): void => {
    if (read.amount === undefined) return;
    const wanted = { paymentId: payment.id, amount: read.amount, ...(reason.trim() === "" ? {} : { reason: reason.trim() }) };
    refund.mutate(
      { ...wanted, idempotencyKey: attempt.current.for(wanted) },
      {
        onSuccess: (made) => {
          notify(`Refund of ${formatMoney(made.amount, payment.currency)} started`, { detail: made.id });
          onClose();
        },
        onError: (error) => {
          if (error instanceof ApiError && error.isFinal) attempt.current.settle();
        },
      },
    );
  };
  const shown = read.amount === undefined ? "" : ` ${formatMoney(read.amount, payment.currency)}`;
  return (
    <form
      className={dialogForm}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <p>
        The money goes back to the payer, the way it came. A refund cannot be taken back.
      </p>
      {refund.error !== null && <FormError>{refund.error.message}</FormError>}
      <TextField
        label={`Amount (${payment.currency})`}
        inputMode="decimal"
        autoComplete="off"
        value={text}
        hint={`${formatMoney(available, payment.currency)} of ${formatMoney(payment.amount, payment.currency)} can be refunded. Enter less for a partial refund.`}
        error={read.problem}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <TextField
        label="Reason (optional)"
        autoComplete="off"
        maxLength={MAX_REASON_LENGTH}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <div className={dialogActions}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="danger" busy={refund.isPending} disabled={read.amount === undefined}>
          Refund{shown}
        </Button>
      </div>
    </form>
  );
}
