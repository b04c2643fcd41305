import styles from "./wordmark.module.css";

export function Wordmark() {
  return (
    <span className={styles.wordmark}>
      <svg viewBox="0 0 24 24" width="24" height="24" fill="none" strokeWidth="2.6" strokeLinecap="round" aria-hidden="true">
        <path d="M4 21v-9a8 8 0 0 1 16 0v9" stroke="currentColor" />
        <path d="M9.4 21v-8.6a2.6 2.6 0 0 1 5.2 0V21" className={styles.arch} />
      </svg>
      Gateway
    </span>
  );
}
