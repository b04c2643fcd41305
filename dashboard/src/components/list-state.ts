import { useCallback, useState } from "react";
import { useSearchParams } from "react-router";

export interface ListState {
  filter: (name: string) => string;
  setFilter: (name: string, value: string) => void;
  clear: () => void;
  /** Grows with every `clear`, so that what is being typed can be dropped with it. */
  clears: number;
  isFiltered: boolean;
  offset: number;
  setOffset: (offset: number) => void;
  /** The id of what is open in the drawer, or null. */
  openId: string | null;
  open: (id: string | null) => void;
}

/** Filters, page and open item live in the address, so that reload, back and a shared link keep them. */
export function useListState(filterNames: readonly string[], openName: string): ListState {
  const [parameters, setParameters] = useSearchParams();
  const [clears, setClears] = useState(0);

  const change = useCallback(
    (changes: Record<string, string>, replace: boolean) =>
      setParameters(
        (current) => {
          const next = new URLSearchParams(current);
          for (const [name, value] of Object.entries(changes)) {
            if (value === "") next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace, preventScrollReset: true },
      ),
    [setParameters],
  );

  const offset = Number.parseInt(parameters.get("offset") ?? "0", 10);
  return {
    filter: (name) => parameters.get(name) ?? "",
    setFilter: (name, value) => change({ [name]: value, offset: "" }, true),
    clear: () => {
      setClears(clears + 1);
      change(Object.fromEntries([...filterNames, "offset"].map((name) => [name, ""])), true);
    },
    clears,
    isFiltered: filterNames.some((name) => parameters.has(name)),
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
    setOffset: (next) => change({ offset: next === 0 ? "" : String(next) }, false),
    openId: parameters.get(openName),
    open: (id) => change({ [openName]: id ?? "" }, id === null),
  };
}
