import { useRef } from "react";
import { AttemptKey } from "../../api/attempt-key";
import { ApiError } from "../../api/client";
import { useCapture } from "../../api/queries";
import type { Payment } from "../../api/types";
import { FormError } from "../../components/field";
import { ConfirmDialog } from "../../components/modal";
import { notify } from "../../components/toasts";
import { formatMoney } from "../../format/money";

export function CaptureDialog({ payment, onClose }: { payment: Payment; onClose: () => void }) {
  const capture = useCapture();
  const attempt = useRef(new AttemptKey());
  const money = formatMoney(payment.amount, payment.currency);

  const confirm = (): void =>
    capture.mutate(
      { payment, idempotencyKey: attempt.current.for(payment.id) },
      {
        onSuccess: () => {
          notify(`${money} captured`, { detail: payment.id });
          onClose();
        },
        onError: (error) => {
          if (error instanceof ApiError && error.isFinal) attempt.current.settle();
        },
      },
    );
  return (
    <ConfirmDialog
      title={`Capture ${money}?`}
      open
      onClose={onClose}
      confirmLabel={`Capture ${money}`}
      busy={capture.isPending}
      onConfirm={confirm}
    >
      <p>The whole payment is marked for settlement to you. You can still refund it afterwards.</p>
      {capture.error !== null && <FormError>{capture.error.message}</FormError>}
    </ConfirmDialog>
  );
}
