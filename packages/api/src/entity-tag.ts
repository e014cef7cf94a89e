/** Versions of links as entity tags (RFC 9110 §8.8.3), and the condition `If-Match` (§13.1.1). */
import { BadRequestError } from '@lakh/http';
import type { Link } from '@lakh/links';

const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
/** Strong, and as {@link entityTag} writes it. */
const OWN_TAG = /^"([1-9]\d{0,9})"$/;
/** A list that is longer is no list of versions that somebody has seen. */
const TAGS_MAX = 16;

export function entityTag({ version }: Pick<Link, 'version'>): string {
  return `"${version}"`;
}

/**
 * The versions that `If-Match` lets a change meet; undefined where it lets it meet any: it is not there, or `*`. A tag that is weak or
 * none of ours matches nothing.
 *
 * @throws BadRequestError
 */
export function versionsOf(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  const tags = ifMatch.split(',', TAGS_MAX + 1).map((tag) => tag.trim());
  if (tags.length > TAGS_MAX || !tags.every((tag) => ENTITY_TAG.test(tag))) {
    throw new BadRequestError('If-Match is *, or an ETag as the link was answered with, such as "3".');
  }
  return tags.flatMap((tag) => OWN_TAG.exec(tag)?.[1] ?? []).map(Number);
}
