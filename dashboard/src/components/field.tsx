import { useId, type ComponentProps, type ReactNode } from "react";
import styles from "./field.module.css";

interface FieldFrame {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  /** The label is still read out, only not drawn. */
  labelHidden?: boolean;
}

interface TextFieldProps extends FieldFrame, ComponentProps<"input"> {
  prefix?: string;
}

export function TextField({ label, hint, error, labelHidden, prefix, className, ...input }: TextFieldProps) {
  const id = useId();
  const noted = Boolean(error) || hint !== undefined;
  return (
    <div className={[styles.field, className].filter(Boolean).join(" ")}>
      <label htmlFor={id} className={labelHidden === true ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <div className={styles.control} data-invalid={error ? "" : undefined}>
        {prefix !== undefined && (
          <span className={styles.prefix} aria-hidden="true">
            {prefix}
          </span>
        )}
        <input
          id={id}
          {...input}
          className={styles.input}
          aria-invalid={error ? true : undefined}
          aria-describedby={noted ? `${id}-note` : undefined}
        />
      </div>
      {error ? (
        <p id={`${id}-note`} className={styles.error}>
          {error}
        </p>
      ) : (
        hint !== undefined && (
          <p id={`${id}-note`} className={styles.hint}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}

interface SelectFieldProps extends FieldFrame, Omit<ComponentProps<"select">, "onChange"> {
  options: readonly (readonly [value: string, label: string])[];
  onValue: (value: string) => void;
}

/** The platform's own select: it is accessible, and on a phone it opens the phone's own picker. */
export function SelectField({ label, labelHidden, options, onValue, hint, error, ...select }: SelectFieldProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={labelHidden === true ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <div className={styles.control} data-invalid={error ? "" : undefined}>
        <select
          id={id}
          {...select}
          className={styles.input}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
      {hint !== undefined && <p className={styles.hint}>{hint}</p>}
    </div>
  );
}

/** What went wrong with a form as a whole; announced when it appears. */
export function FormError({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className={styles.formError}>
      {children}
    </p>
  );
}
