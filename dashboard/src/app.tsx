import { QueryClientProvider } from "@tanstack/react-query";
import { createBrowserRouter, Navigate } from "react-router";
import { RouterProvider } from "react-router/dom";
import { createQueryClient } from "./api/query-client";
import { NotFoundPage } from "./layout/not-found";
import { RouteError } from "./layout/route-error";
import { LoginPage } from "./pages/login/login-page";

const router = createBrowserRouter([
  {
    errorElement: <RouteError />,
    hydrateFallbackElement: <></>,
    children: [
      { path: "/", element: <Navigate to="/dashboard" replace /> },
      { path: "/login", element: <LoginPage /> },
      {
        path: "/signup",
        lazy: async () => ({ Component: (await import("./pages/signup/signup-page")).SignUpPage }),
      },
      {
        path: "/dashboard",
        lazy: async () => ({ Component: (await import("./layout/shell")).Shell }),
        children: [
          { index: true, lazy: async () => ({ Component: (await import("./pages/home/home-page")).HomePage }) },
          {
            path: "transactions",
            lazy: async () => ({
              Component: (await import("./pages/transactions/transactions-page")).TransactionsPage,
            }),
          },
          {
            path: "orders",
            lazy: async () => ({ Component: (await import("./pages/orders/orders-page")).OrdersPage }),
          },
          {
            path: "refunds",
            lazy: async () => ({ Component: (await import("./pages/refunds/refunds-page")).RefundsPage }),
          },
          {
            path: "webhooks",
            lazy: async () => ({ Component: (await import("./pages/webhooks/webhooks-page")).WebhooksPage }),
          },
          {
            path: "api-keys",
            lazy: async () => ({ Component: (await import("./pages/api-keys/api-keys-page")).ApiKeysPage }),
          },
          { path: "docs", lazy: async () => ({ Component: (await import("./pages/docs/docs-page")).DocsPage }) },
          { path: "*", element: <NotFoundPage /> },
        ],
      },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);

const queryClient = createQueryClient(() => {
  const { pathname, search } = router.state.location;
  if (!pathname.startsWith("/dashboard")) return;
  // The queries of the page being left are dropped: nothing of one merchant stays for the next one to sign in.
  queryClient.clear();
  void router.navigate(`/login?next=${encodeURIComponent(pathname + search)}`, { replace: true });
});

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
