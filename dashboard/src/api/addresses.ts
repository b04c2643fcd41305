import { useQuery } from "@tanstack/react-query";

const API_PORT = "8000";
const CHECKOUT_PORT = "3001";

export interface Addresses {
  api: string;
  checkout: string;
}

/**
 * Where merchants' programs and customers reach the platform, as the server of this page says in `/config.json`:
 * the addresses (`api_url`, `checkout_url`), or the ports on this page's own host (`api_port`, `checkout_port`).
 */
export function useAddresses(): Addresses {
  const config = useQuery({ queryKey: ["config"], queryFn: fetchConfig, staleTime: Infinity });
  return addressesFrom(config.data ?? {}, window.location);
}

export function addressesFrom(
  config: Record<string, unknown>,
  { protocol, hostname }: Pick<Location, "protocol" | "hostname">,
): Addresses {
  const here = (port: string) => `${protocol}//${hostname}:${port}`;
  return {
    api: trimmed(config["api_url"]) ?? here(portIn(config["api_port"]) ?? API_PORT),
    checkout: trimmed(config["checkout_url"]) ?? here(portIn(config["checkout_port"]) ?? CHECKOUT_PORT),
  };
}

async function fetchConfig({ signal }: { signal: AbortSignal }): Promise<Record<string, unknown>> {
  const response = await fetch("/config.json", { signal });
  return response.ok ? ((await response.json()) as Record<string, unknown>) : {};
}

function trimmed(address: unknown): string | null {
  return typeof address === "string" && address !== "" ? address.replace(/\/+$/, "") : null;
}

/** Compose publishes at a port or at an address with a port: `3001`, `127.0.0.1:3001`. */
function portIn(text: unknown): string | null {
  return typeof text === "string" ? (/\d+$/.exec(text)?.[0] ?? null) : null;
}
