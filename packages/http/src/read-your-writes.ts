/**
 * Read-your-writes for a browser that has just created or changed a link: a cookie that says until when its redirects go
 * straight to the primary. A convenience only; nothing's correctness rests on it, and a forged one costs a primary read at most.
 */
export const RYOW_WINDOW_MS = 30_000;

/** Over https browsers take a name of this kind from this very host alone, not from a neighbour in its domain. */
const ryowCookieName = (secure: boolean): string => `${secure ? '__Host-' : ''}ryow_until`;
const NAMES: ReadonlySet<string | undefined> = new Set([ryowCookieName(false), ryowCookieName(true)]);

/** `Set-Cookie` value for a write at `nowMs`. */
export function ryowCookie(nowMs: number, secure: boolean): string {
  return `${ryowCookieName(secure)}=${nowMs + RYOW_WINDOW_MS}; Path=/; Max-Age=${RYOW_WINDOW_MS / 1000}; HttpOnly; SameSite=Lax${
    secure ? '; Secure' : ''
  }`;
}

/** Whether a `Cookie` header carries a window that is open now. One that claims more than the window is not ours: ignored. */
export function isReadYourWrites(cookieHeader: string, nowMs: number): boolean {
  for (const pair of cookieHeader.split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (!NAMES.has(name) || value === undefined || !/^\d{13,14}$/.test(value)) continue;
    const untilMs = Number(value);
    return untilMs > nowMs && untilMs <= nowMs + RYOW_WINDOW_MS;
  }
  return false;
}
