/** The codes that servers of one system are asked for most, kept for those that start. Nothing but codes: what they lead to is looked up as ever. */
export interface BusyCodes {
  /** Keeps them, the busiest first, ahead of what others kept before and as many as there is room for. Rejects where they cannot be kept. */
  keep(domainId: number, codes: readonly string[]): Promise<void>;
  /** What was kept, the busiest first; nothing where nothing was, or where it is not believed. Rejects where nobody can tell. */
  recall(domainId: number): Promise<readonly string[]>;
}

/** So many at most are kept. */
export const BUSY_CODES_MOST = 10_000;

/** Those of one's own before those that others kept, each once. */
export function mergeBusyCodes(own: readonly string[], kept: readonly string[]): string[] {
  return [...new Set([...own, ...kept])].slice(0, BUSY_CODES_MOST);
}
