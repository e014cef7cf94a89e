const MARK = /[\p{P}\p{S}]/u;
/** More than a sentence, a quotation and a bracket leave behind a link. */
const MARKS_MAX = 8;

/** A text without the marks at its end: no code ends in one, so it is as it is copied, and not another code. From the end, so that it is linear. */
export function withoutMarks(text: string): string {
  let end = text.length;
  while (end > 0 && text.length - end < MARKS_MAX && MARK.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
