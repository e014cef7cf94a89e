/** What becomes of a code, by its first letters; the rest of it tells conversations apart. */
export const OUTCOMES = {
  /** Held by L1 once it was asked for. */
  hit: 'a redirect',
  perm: 'a redirect of its own status, 301',
  temp: 'a redirect of its own status, 307',
  keep: 'a redirect of its own status, 308',
  ends: 'a redirect that ends soon',
  /** Leads to a host of this server, which L1 does not hold. */
  miss: 'a redirect that is looked up each time',
  slow: 'the same, a little later',
  gone: 'deleted',
  past: 'expired',
  none: 'no link',
  down: 'the store cannot be asked',
  oops: 'the store breaks',
  loop: 'leads to the host of the request',
} as const;

export type Outcome = keyof typeof OUTCOMES;

export const outcomes = Object.keys(OUTCOMES) as Outcome[];

/** The code of an outcome that one conversation asks for. */
export const codeOf = (outcome: Outcome, talk: number): string => `${outcome}${talk.toString(36)}`;

/** A client that has had all it may have of what is not there. */
export const LIMITED_CLIENT = '203.0.113.66';

/** What the servers' clock says for good. */
export const NOW_MS = 1_790_000_000_000;
