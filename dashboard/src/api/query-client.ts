import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./client";

const MAX_RETRIES = 2;

/** `onSignedOut` is called when the session turns out to have ended, whichever request found out. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const noticeSignOut = (error: unknown): void => {
    if (error instanceof ApiError && error.status === 401) onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: noticeSignOut }),
    mutationCache: new MutationCache({ onError: noticeSignOut }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (failures, error) => failures < MAX_RETRIES && !(error instanceof ApiError && error.isFinal),
      },
      mutations: { retry: false },
    },
  });
}
