import type { Device, LinkRecord, LinkRule } from '@lakh/links';

/** What a link may have beside its target, expiry and status. What it has not is left out, as a merge patch (RFC 7396) would leave it. */
export interface FurtherJson {
  readonly owner?: string;
  readonly title?: string;
  readonly description?: string;
  readonly image?: string;
  readonly tags?: readonly string[];
  readonly note?: string;
  readonly external_id?: string;
  readonly not_before?: string;
  readonly max_clicks?: number;
  readonly expired_url?: string;
  readonly forward_query?: 'append';
  /** Nothing else is told of a password. */
  readonly has_password?: true;
  readonly rules?: readonly RuleJson[];
}

export interface RuleJson {
  readonly device?: Device;
  readonly language?: string;
  readonly from?: string;
  readonly until?: string;
  readonly query?: { readonly name: string; readonly value: string };
  readonly long_url: string;
}

export function furtherJson({ owner, details, terms }: Pick<LinkRecord, 'owner' | 'details' | 'terms'>): FurtherJson {
  const { externalId, ...texts } = details ?? {};
  return {
    ...(owner !== '' && { owner }),
    ...texts,
    ...(externalId !== undefined && { external_id: externalId }),
    ...(terms && termsJson(terms)),
  };
}

function termsJson(terms: NonNullable<LinkRecord['terms']>): FurtherJson {
  const { notBeforeMs, maxClicks, expiredUrl, forwardQuery, password, rules } = terms;
  return {
    ...(notBeforeMs !== undefined && { not_before: timeOf(notBeforeMs) }),
    ...(maxClicks !== undefined && { max_clicks: maxClicks }),
    ...(expiredUrl !== undefined && { expired_url: expiredUrl }),
    ...(forwardQuery && { forward_query: forwardQuery }),
    ...(password !== undefined && { has_password: true }),
    ...(rules && { rules: rules.map(ruleJson) }),
  };
}

export function ruleJson({ fromMs, untilMs, longUrl, ...rule }: LinkRule): RuleJson {
  return {
    ...rule,
    ...(fromMs !== undefined && { from: timeOf(fromMs) }),
    ...(untilMs !== undefined && { until: timeOf(untilMs) }),
    long_url: longUrl,
  };
}

const timeOf = (ms: number) => new Date(ms).toISOString();
