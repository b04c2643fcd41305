import { Link } from "react-router";
import { PageHeader } from "../components/page-header";
import styles from "./entrance.module.css";

export function NotFoundPage() {
  return (
    <div className={styles.plain}>
      <PageHeader title="Page not found" lead="There is nothing at this address." />
      <Link to="/dashboard">Go to the overview</Link>
    </div>
  );
}
