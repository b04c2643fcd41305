const DAY_MS = 86_400_000;

/** `2024-01-15T10:31:00Z` → `2024-01-15 10:31:00`, in UTC as the API counts. */
export function formatTimestamp(iso: string): string {
  return new Date(iso).toISOString().slice(0, 19).replace("T", " ");
}

/** The same moment on the reader's own clock, with its zone: for tooltips beside the UTC time. */
export function formatLocalTime(iso: string): string {
  return new Intl.DateTimeFormat("en-IN", { dateStyle: "medium", timeStyle: "long" }).format(new Date(iso));
}

/** `just now`, `4 min ago`, `3 h ago`, `12 d ago`; `in 5 min` for what is still to come. */
export function formatRelative(iso: string, now: Date = new Date()): string {
  const seconds = Math.round((now.getTime() - new Date(iso).getTime()) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 10) return "just now";
  const amount =
    distance < 60 ? `${distance} s`
    : distance < 3600 ? `${Math.floor(distance / 60)} min`
    : distance < 86_400 ? `${Math.floor(distance / 3600)} h`
    : `${Math.floor(distance / 86_400)} d`;
  return seconds < 0 ? `in ${amount}` : `${amount} ago`;
}

/** The plain UTC date `days` before today: `2024-01-15`. */
export function dateDaysAgo(days: number, now: Date = new Date()): string {
  return new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10);
}

/** `2024-01-15` → `15 Jan`, with the year when it is not the current one. */
export function formatDay(date: string, now: Date = new Date()): string {
  const day = new Date(`${date}T00:00:00Z`);
  const sameYear = day.getUTCFullYear() === now.getUTCFullYear();
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(day);
}

export function addDays(date: string, days: number): string {
  return new Date(new Date(`${date}T00:00:00Z`).getTime() + days * DAY_MS).toISOString().slice(0, 10);
}
