import { RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Button } from "./button";
import styles from "./states.module.css";

export function Skeleton({ lines = 3, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div className={styles.skeleton} role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className={styles.bone} aria-hidden="true" />
      ))}
    </div>
  );
}

export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children !== undefined && <div className={styles.text}>{children}</div>}
    </div>
  );
}

export function ErrorState({ what, error, onRetry }: { what: string; error: Error; onRetry: () => void }) {
  return (
    <div className={styles.error} role="alert">
      <div>
        <p className={styles.title}>{what} could not be loaded</p>
        <p className={styles.text}>{error.message}</p>
        {error instanceof ApiError && error.requestId !== null && (
          <p className={styles.request}>Request {error.requestId}</p>
        )}
      </div>
      <Button small onClick={onRetry}>
        <RotateCw size={15} aria-hidden="true" />
        Try again
      </Button>
    </div>
  );
}
