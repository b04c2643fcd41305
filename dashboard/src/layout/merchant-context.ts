import { createContext, useContext } from "react";
import type { Merchant } from "../api/types";

export const MerchantContext = createContext<Merchant | null>(null);

/** The merchant who is signed in; only for what the shell wraps. */
export function useSignedInMerchant(): Merchant {
  const merchant = useContext(MerchantContext);
  if (merchant === null) throw new Error("useSignedInMerchant outside of the shell");
  return merchant;
}
