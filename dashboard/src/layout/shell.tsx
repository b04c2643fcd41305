import { CSPProvider } from "@base-ui/react/csp-provider";
import { Dialog } from "@base-ui/react/dialog";
import { useQueryClient } from "@tanstack/react-query";
import {
  BookOpen,
  ChartNoAxesColumn,
  KeyRound,
  LogOut,
  Menu,
  ReceiptText,
  Undo2,
  Wallet,
  Webhook,
  X,
  type LucideIcon,
} from "lucide-react";
import { useState } from "react";
import { NavLink, Outlet } from "react-router";
import { ApiError } from "../api/client";
import { useLogout, useMerchant } from "../api/queries";
import { ErrorState, Skeleton } from "../components/states";
import { notifyError, ToastProvider } from "../components/toasts";
import { MerchantContext } from "./merchant-context";
import styles from "./shell.module.css";
import { ThemeButton } from "./theme";
import { Wordmark } from "./wordmark";

const PAGES: readonly (readonly [path: string, label: string, icon: LucideIcon])[] = [
  ["/dashboard", "Overview", ChartNoAxesColumn],
  ["/dashboard/transactions", "Transactions", Wallet],
  ["/dashboard/orders", "Orders", ReceiptText],
  ["/dashboard/refunds", "Refunds", Undo2],
  ["/dashboard/webhooks", "Webhooks", Webhook],
  ["/dashboard/api-keys", "API keys", KeyRound],
  ["/dashboard/docs", "Integration guide", BookOpen],
];

/** What surrounds every page of a signed-in merchant. Loaded on its own, so that the login page is light. */
export function Shell() {
  return (
    // Base UI would otherwise add <style> elements, which the Content-Security-Policy forbids.
    <CSPProvider disableStyleElements>
      <ToastProvider>
        <SignedIn />
      </ToastProvider>
    </CSPProvider>
  );
}

/** Without a session nothing is shown: the failed request for the merchant leads to the login page. */
function SignedIn() {
  const merchant = useMerchant();
  const [menuOpen, setMenuOpen] = useState(false);

  if (merchant.data === undefined) {
    const signedOut = merchant.error instanceof ApiError && merchant.error.status === 401;
    return (
      <main className={styles.waiting}>
        {merchant.error === null || signedOut ? (
          <Skeleton lines={6} label="Loading your account" />
        ) : (
          <ErrorState what="Your account" error={merchant.error} onRetry={() => void merchant.refetch()} />
        )}
      </main>
    );
  }
  return (
    <MerchantContext value={merchant.data}>
      <a href="#content" className={styles.skip}>
        Skip to content
      </a>
      <div className={styles.shell}>
        <aside className={styles.rail}>
          <div className={styles.railInner}>
            <Navigation name={merchant.data.name} email={merchant.data.email} />
          </div>
        </aside>
        <header className={styles.topBar}>
          <Wordmark />
          <Dialog.Root open={menuOpen} onOpenChange={setMenuOpen}>
            <Dialog.Trigger className={styles.menuButton} aria-label="Menu">
              <Menu size={22} aria-hidden="true" />
            </Dialog.Trigger>
            <Dialog.Portal>
              <Dialog.Backdrop className={styles.veil} />
              <Dialog.Popup className={styles.menu}>
                <Dialog.Title className="visually-hidden">Menu</Dialog.Title>
                <Dialog.Close className={styles.menuClose} aria-label="Close menu">
                  <X size={20} aria-hidden="true" />
                </Dialog.Close>
                <Navigation
                  name={merchant.data.name}
                  email={merchant.data.email}
                  onNavigate={() => setMenuOpen(false)}
                />
              </Dialog.Popup>
            </Dialog.Portal>
          </Dialog.Root>
        </header>
        <main id="content" tabIndex={-1} className={styles.content}>
          <Outlet />
        </main>
      </div>
    </MerchantContext>
  );
}

function Navigation({ name, email, onNavigate }: { name: string; email: string; onNavigate?: () => void }) {
  const logout = useLogout();
  const client = useQueryClient();
  const signOut = (): void => {
    logout.mutate(undefined, {
      onSuccess: () => {
        client.clear();
        window.location.assign("/login");
      },
      onError: (error) => notifyError("You are still signed in", error),
    });
  };
  return (
    <>
      <div className={styles.brand}>
        <Wordmark />
      </div>
      <nav aria-label="Dashboard" className={styles.nav}>
        {PAGES.map(([path, label, Icon]) => (
          <NavLink key={path} to={path} end={path === "/dashboard"} className={styles.link} onClick={onNavigate}>
            <Icon size={18} strokeWidth={1.8} aria-hidden="true" />
            {label}
          </NavLink>
        ))}
      </nav>
      <div className={styles.account}>
        <p className={styles.merchant} title={email}>
          <strong>{name}</strong>
          <span>{email}</span>
        </p>
        <ThemeButton className={styles.accountButton} />
        <button type="button" className={styles.accountButton} onClick={signOut} disabled={logout.isPending}>
          <LogOut size={16} aria-hidden="true" />
          Sign out
        </button>
      </div>
    </>
  );
}
