import { addDays, formatDay } from "../../format/dates";
import type { DayStats } from "../../api/types";

const MAX_DAILY_POINTS = 92;
const MAX_WEEKLY_POINTS = 104;

/** One bar or point of a chart: a day, a week or a month, whichever still fits. */
export interface Bucket extends DayStats {
  label: string;
}

/**
 * Days without payments are absent from the API's answer; here they are filled in, so that the time axis is true. Without
 * `from` the axis begins with the first payment; without `to` it ends today.
 */
export function bucketDays(days: DayStats[], period: { from?: string | undefined; to?: string | undefined }, now: Date): Bucket[] {
  const sorted = days.toSorted((one, other) => one.date.localeCompare(other.date));
  const first = period.from ?? sorted[0]?.date;
  const last = period.to ?? now.toISOString().slice(0, 10);
  if (first === undefined || first > last) return [];

  const byDate = new Map(sorted.map((day) => [day.date, day]));
  const filled: DayStats[] = [];
  for (let date = first; date <= last; date = addDays(date, 1)) {
    filled.push(byDate.get(date) ?? { date, count: 0, success: 0, amount: 0 });
  }
  if (filled.length <= MAX_DAILY_POINTS) return filled.map((day) => ({ ...day, label: formatDay(day.date, now) }));
  if (filled.length <= MAX_WEEKLY_POINTS * 7) {
    return merged(filled, mondayOf).map((week) => ({ ...week, label: `Week of ${formatDay(week.date, now)}` }));
  }
  return merged(filled, (date) => `${date.slice(0, 7)}-01`).map((month) => ({ ...month, label: monthName(month.date) }));
}

function merged(days: DayStats[], startOf: (date: string) => string): DayStats[] {
  const groups = new Map<string, DayStats>();
  for (const day of days) {
    const date = startOf(day.date);
    const group = groups.get(date) ?? { date, count: 0, success: 0, amount: 0 };
    group.count += day.count;
    group.success += day.success;
    group.amount += day.amount;
    groups.set(date, group);
  }
  return [...groups.values()];
}

function mondayOf(date: string): string {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
  return addDays(date, -((weekday + 6) % 7));
}

function monthName(date: string): string {
  return new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" }).format(
    new Date(`${date}T00:00:00Z`),
  );
}
