import type { ComponentProps } from "react";
import styles from "./button.module.css";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "primary" | "plain" | "quiet" | "danger";
  small?: boolean;
  /** The action is under way: the button stays in place and cannot be pressed again. */
  busy?: boolean;
}

export function Button({ look = "plain", small = false, busy = false, className, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={[styles.button, styles[look], small && styles.small, className].filter(Boolean).join(" ")}
      disabled={rest.disabled === true || busy}
      aria-busy={busy || undefined}
    >
      {busy && <span className={styles.spinner} aria-hidden="true" />}
      {children}
    </button>
  );
}

/** For links that look like buttons. */
export const buttonClass = (look: "primary" | "plain" = "plain", small = false): string =>
  [styles.button, styles[look], small && styles.small].filter(Boolean).join(" ");

interface IconButtonProps extends ComponentProps<"button"> {
  label: string;
}

export function IconButton({ label, children, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={[styles.icon, className].filter(Boolean).join(" ")}
    >
      {children}
    </button>
  );
}
