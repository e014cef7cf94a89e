import type { FormValues } from './page.js';

/** A form as it was sent: for the fields again, and for the domain to validate. */
export interface SentForm {
  /** As typed, but for blanks and line breaks around it. */
  readonly values: FormValues;
  readonly token: string;
  readonly longUrl: string;
  /** RFC 3339 where it can be; undefined: none. */
  readonly expiresAt: string | undefined;
}

export function readForm(body: unknown): SentForm {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string): string => (typeof fields[name] === 'string' ? (fields[name] as string).trim() : '');
  const values = { long_url: text('long_url'), alias: text('alias'), expires_at: text('expires_at') };
  return {
    values,
    token: text('token'),
    longUrl: withScheme(values.long_url),
    expiresAt: withOffset(values.expires_at, text('expires_offset')) || undefined,
  };
}

/** `example.com/foo` is what people call an address. What has neither a scheme nor a dot in its host is left for them to correct. */
function withScheme(address: string): string {
  const [host = ''] = /^[^/?#\\:@\s]*/.exec(address) ?? [];
  const isHost = host.includes('.') && /^(?::\d+)?(?:[/?#]|$)/.test(address.slice(host.length));
  return isHost ? `https://${address}` : address;
}

/** What a browser's date-time field sends has no offset. The page's script adds its own; without it the page says UTC. */
function withOffset(local: string, offset: string): string {
  const [, minutes, rest = ':00'] = /^(\d{4,}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(local) ?? [];
  return minutes === undefined ? local : `${minutes}${rest}${/^[+-]\d\d:\d\d$/.test(offset) ? offset : 'Z'}`;
}
