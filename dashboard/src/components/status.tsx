import styles from "./status.module.css";

const TONES: Record<string, string> = {
  success: "good",
  paid: "good",
  processed: "good",
  captured: "good",
  failed: "bad",
  pending: "wait",
  processing: "wait",
  created: "plain",
};

/** The state in the API's own word, so that what a merchant sees is what a merchant's program sees. */
export function Status({ value }: { value: string }) {
  return (
    <span className={styles.status} data-tone={TONES[value] ?? "plain"}>
      {value}
    </span>
  );
}
