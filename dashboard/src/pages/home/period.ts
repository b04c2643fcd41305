import { dateDaysAgo } from "../../format/dates";

/** The periods on offer, by the number of days that they reach back, today included. */
export const PERIODS = [
  ["all", "All time"],
  ["1", "Today"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["custom", "Custom"],
] as const;

export interface Period {
  from?: string | undefined;
  to?: string | undefined;
}

export function periodDates(choice: string, custom: { from: string; to: string }, now: Date = new Date()): Period {
  if (choice === "custom") return { from: custom.from || undefined, to: custom.to || undefined };
  const days = Number.parseInt(choice, 10);
  return Number.isNaN(days) ? {} : { from: dateDaysAgo(days - 1, now) };
}
