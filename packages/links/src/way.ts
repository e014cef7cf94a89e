import { type ClientFacts, deviceOf, isOfRange, languagesOf } from './client-facts.js';
import type { Link } from './link.js';
import type { LinkRule, LinkTerms } from './terms.js';

/**
 * Where a link leads somebody. `missing`: it may not be followed yet. `expired`: its time is over, or it was followed as often as it may be; null: it leads
 * nowhere then. `target`: `rule` is the place of the rule that was met, null where none was.
 */
export type Way =
  | { readonly kind: 'missing' }
  | { readonly kind: 'expired'; readonly location: string | null }
  | { readonly kind: 'target'; readonly rule: number | null; readonly location: string };

/** The longest query that a request may have. */
export const QUERY_MAX_LENGTH = 8_192;

/**
 * The longest address that a query may make of a target. A whole answer's head has 4 KiB with many proxies where nobody told them another number (nginx); a longer one they count as their server's
 * failure, and send nobody there for a while, so that a single request with a long query would take links from everybody.
 */
export const FORWARDED_MAX_LENGTH = 3_072;

/** Where a link leads, whether a password is asked for or not, and as if it could be followed once more. */
export function wayOf(link: Link, facts: ClientFacts, nowMs: number): Way {
  const { terms, longUrl, expiresAtMs } = link;
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return expiredWay(terms);
  if (terms === null) return { kind: 'target', rule: null, location: longUrl };
  if (terms.notBeforeMs !== undefined && nowMs < terms.notBeforeMs) return { kind: 'missing' };
  const met = terms.rules?.findIndex(judgeOf(facts, nowMs)) ?? -1;
  const target = terms.rules?.[met]?.longUrl ?? longUrl;
  const location = terms.forwardQuery === 'append' ? withQuery(target, facts.query) : target;
  return { kind: 'target', rule: met === -1 ? null : met, location };
}

/** Where it leads when it may be followed no more. */
export function expiredWay(terms: LinkTerms | null): Way & { kind: 'expired' } {
  return { kind: 'expired', location: terms?.expiredUrl ?? null };
}

function judgeOf({ userAgent, acceptLanguage, query }: ClientFacts, nowMs: number): (rule: LinkRule) => boolean {
  const device = deviceOf(userAgent);
  const languages = languagesOf(acceptLanguage);
  const parameters = new URLSearchParams(query);
  return (rule) =>
    (rule.device === undefined || rule.device === device) &&
    (rule.language === undefined || languages.some((language) => isOfRange(language, rule.language as string))) &&
    (rule.fromMs === undefined || nowMs >= rule.fromMs) &&
    (rule.untilMs === undefined || nowMs < rule.untilMs) &&
    (rule.query === undefined || parameters.getAll(rule.query.name).includes(rule.query.value));
}

/** The target with a query behind its own, as it came, in front of a fragment; without it where both are too long. What a request's query may have a header may hold. */
export function withQuery(target: string, query: string): string {
  if (query === '' || target.length + 1 + query.length > FORWARDED_MAX_LENGTH) return target;
  const hash = target.indexOf('#');
  const [before, fragment] = hash === -1 ? [target, ''] : [target.slice(0, hash), target.slice(hash)];
  const mark = !before.includes('?') ? '?' : /[?&]$/.test(before) ? '' : '&';
  return before + mark + query + fragment;
}
