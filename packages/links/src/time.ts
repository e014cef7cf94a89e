/** Why a time is refused: the rule is stable, for programs; the sentence is for people. */
export const TIME_RULES = {
  not_a_string: 'must be a string',
  not_rfc3339: 'must be an RFC 3339 date and time with an offset, such as 2030-01-31T23:59:59Z',
  impossible_date: 'is not a date of the calendar or a time of the day',
  leap_second: 'must not be in a leap second',
  too_late: 'must be before the year 10000 in UTC',
} as const;

export type TimeRule = keyof typeof TIME_RULES;

/** Last millisecond of the year 9999, the last that four digits can write. */
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const MS_PER_MINUTE = 60_000;
/** RFC 3339 §5.6; `T` and `Z` may be in lower case. More than nine digits of a second are nobody's clock. */
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Parses a date and time, to Unix milliseconds; digits beyond milliseconds are dropped. A local time without an
 * offset is refused: the server's zone is not the caller's.
 */
export function parseTime(input: unknown): number | TimeRule {
  if (typeof input !== 'string') return 'not_a_string';
  const match = DATE_TIME.exec(input);
  if (match === null) return 'not_rfc3339';
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (second === 60) return 'leap_second';
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) {
    return 'impossible_date';
  }
  // setUTCFullYear and not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month lacks falls into another one.
  if (date.getUTCMonth() !== month - 1) return 'impossible_date';
  date.setUTCHours(hour, minute, second, Number((match[7] ?? '').slice(0, 3).padEnd(3, '0')));
  const offsetMs = (offsetHours * 60 + offsetMinutes) * MS_PER_MINUTE;
  const ms = date.getTime() - (match[8] === '-' ? -offsetMs : offsetMs);
  return ms > LATEST_MS ? 'too_late' : ms;
}
