import { useRouteError } from "react-router";
import { ErrorState } from "../components/states";
import styles from "./entrance.module.css";

/** A page's script could not be fetched, or it failed: say so and offer to load it anew. */
export function RouteError() {
  const error = useRouteError();
  return (
    <main className={styles.plain}>
      <ErrorState
        what="This page"
        error={error instanceof Error ? error : new Error("Something went wrong.")}
        onRetry={() => window.location.reload()}
      />
    </main>
  );
}
