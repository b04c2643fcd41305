import { useQuery } from "@tanstack/react-query";

const API_PORT = 8000;
const CHECKOUT_PORT = 3001;

export interface Addresses {
  api: string;
  checkout: string;
}

/**
 * Where merchants' programs and customers reach the platform. A deployment may name them in `/config.json`
 * (`{"api_url": "https://…", "checkout_url": "https://…"}`); otherwise they are this host's with the usual ports.
 */
export function useAddresses(): Addresses {
  const host = `${window.location.protocol}//${window.location.hostname}`;
  const fallback = { api: `${host}:${API_PORT}`, checkout: `${host}:${CHECKOUT_PORT}` };
  const config = useQuery({ queryKey: ["config"], queryFn: fetchConfig, staleTime: Infinity });
  return {
    api: trimmed(config.data?.["api_url"]) ?? fallback.api,
    checkout: trimmed(config.data?.["checkout_url"]) ?? fallback.checkout,
  };
}

async function fetchConfig({ signal }: { signal: AbortSignal }): Promise<Record<string, unknown>> {
  const response = await fetch("/config.json", { signal });
  return response.ok ? ((await response.json()) as Record<string, unknown>) : {};
}

function trimmed(address: unknown): string | null {
  return typeof address === "string" && address !== "" ? address.replace(/\/+$/, "") : null;
}
