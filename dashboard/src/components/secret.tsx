import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./button";
import { CopyButton } from "./copy-button";
import styles from "./secret.module.css";

interface CredentialProps {
  /** In lower case, as in "copy the webhook secret". */
  name: string;
  value: string;
  testId?: string;
  /** Blurred until asked for, against eyes over the shoulder. The text itself is always there. */
  secret?: boolean;
}

export function Credential({ name, value, testId, secret = false }: CredentialProps) {
  const [shown, setShown] = useState(!secret);
  return (
    <span className={styles.credential}>
      <span data-test-id={testId} className={styles.value} data-hidden={shown ? undefined : ""}>
        {value}
      </span>
      <span className={styles.actions}>
        {secret && (
          <IconButton label={`${shown ? "Hide" : "Show"} ${name}`} onClick={() => setShown(!shown)}>
            {shown ? <EyeOff size={16} aria-hidden="true" /> : <Eye size={16} aria-hidden="true" />}
          </IconButton>
        )}
        <CopyButton text={value} label={name} />
      </span>
    </span>
  );
}
