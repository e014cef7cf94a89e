/** What a request tells of who follows a link, as rules ask for it. */
import type { Device } from './terms.js';

export interface ClientFacts {
  readonly userAgent: string | undefined;
  readonly acceptLanguage: string | undefined;
  /** Of the request, as it came, without its question mark. */
  readonly query: string;
}

const IOS = /\b(?:iPhone|iPad|iPod)\b/;
const ANDROID = /\bAndroid\b/;
const DESKTOP = /^Mozilla\/5\.0 \([^)]*\b(?:Windows NT|Macintosh|X11|CrOS|Linux)\b/;

/** By what browsers say; a tablet of Apple's that asks for desktop pages says that it is a desktop. */
export function deviceOf(userAgent = ''): Device | undefined {
  if (IOS.test(userAgent)) return 'ios';
  if (ANDROID.test(userAgent)) return 'android';
  return DESKTOP.test(userAgent) ? 'desktop' : undefined;
}

/** Of a header that names more, the first. */
const LANGUAGES_MAX = 32;
/** A language and how much it is wanted (RFC 9110, 12.5.4). */
const WANTED = /^\s*([a-z0-9-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i;

/** The languages that are wanted most, in lower case and in their order; none where any will do. */
export function languagesOf(acceptLanguage = ''): readonly string[] {
  let most = 0;
  let wanted: string[] = [];
  for (const part of acceptLanguage.split(',', LANGUAGES_MAX)) {
    const [, tag, weight = '1'] = WANTED.exec(part) ?? [];
    const q = Number(weight);
    if (tag === undefined || q === 0 || q < most) continue;
    if (q > most) wanted = [];
    most = q;
    wanted.push(tag.toLowerCase());
  }
  return wanted;
}

/** Whether a language is of a range (RFC 4647, basic filtering); both in lower case. */
export function isOfRange(language: string, range: string): boolean {
  return language === range || language.startsWith(`${range}-`);
}
