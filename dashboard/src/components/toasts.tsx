import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./toasts.module.css";

const toasts = Toast.createToastManager();

/** Says what happened, on screen and to screen readers. A failure interrupts, anything else waits its turn. */
export function notify(title: string, options: { detail?: string; failed?: boolean } = {}): void {
  const failed = options.failed === true;
  toasts.add({
    title,
    ...(options.detail === undefined ? {} : { description: options.detail }),
    type: failed ? "failed" : "done",
    priority: failed ? "high" : "low",
    timeout: failed ? 9_000 : 5_000,
  });
}

export function notifyError(title: string, error: Error): void {
  notify(title, { detail: error.message, failed: true });
}

export function ToastProvider({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={toasts} limit={3}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className={styles.viewport}>
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts: shown } = Toast.useToastManager();
  return shown.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={styles.toast}>
      <Toast.Content className={styles.content}>
        <div className={styles.text}>
          <Toast.Title className={styles.title} />
          <Toast.Description className={styles.detail} />
        </div>
        <Toast.Close className={styles.close} aria-label="Dismiss">
          <X size={16} aria-hidden="true" />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
