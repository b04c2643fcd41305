import type { ReactNode } from "react";
import styles from "./entrance.module.css";
import { Wordmark } from "./wordmark";

/** The frame of login and sign-up: what the product is on one side, the form on the other. */
export function Entrance({ children }: { children: ReactNode }) {
  return (
    <div className={styles.entrance}>
      <aside className={styles.pitch}>
        <Wordmark />
        <div className={styles.claim}>
          <p className={styles.headline}>Every rupee, accounted for.</p>
          <p>Take UPI and cards, see each payment settle, refund it, and follow every webhook to its answer.</p>
        </div>
        <svg className={styles.arches} viewBox="0 0 400 220" fill="none" aria-hidden="true">
          {[0, 1, 2, 3, 4, 5].map((ring) => (
            <path
              key={ring}
              d={`M${20 + ring * 30} 220 V200 A${180 - ring * 30} ${180 - ring * 30} 0 0 1 ${380 - ring * 30} 200 V220`}
              className={ring === 5 ? styles.innerArch : styles.arch}
            />
          ))}
        </svg>
      </aside>
      <main className={styles.form}>{children}</main>
    </div>
  );
}

export const entranceForm = styles.fields;
export const entranceFoot = styles.foot;
