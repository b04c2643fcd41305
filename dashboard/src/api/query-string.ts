export type QueryValue = string | number | undefined | null;

/** `?a=1&b=2` in the order given, without the empty values; an empty string when nothing is left. */
export function queryString(values: Record<string, QueryValue>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** A return path is taken only when it stays on this site: a link could otherwise send a merchant elsewhere after login. */
export function safeReturnPath(path: string | null): string {
  if (path === null || !/^\/dashboard(?:[/?#]|$)/.test(path)) return "/dashboard";
  return path;
}
