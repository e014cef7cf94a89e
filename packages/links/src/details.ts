import { asciiJson, fieldsIn } from './ascii-json.js';
import { type Changes, merged } from './changes.js';

/** What a link is, for those who keep it; each is there where it was given. */
export interface LinkDetails {
  readonly title?: string;
  readonly description?: string;
  /** Of a preview. */
  readonly image?: string;
  /** In the order given; no two are the same without their case. */
  readonly tags?: readonly string[];
  readonly note?: string;
  /** What another system calls it. */
  readonly externalId?: string;
}

/** Fixes the order, and with it the one text of the same details. */
const NAMES = [
  'title',
  'description',
  'image',
  'tags',
  'note',
  'externalId',
] as const satisfies readonly (keyof LinkDetails)[];

/** `present` with `changes`; null where nothing is left. */
export function mergeDetails(present: LinkDetails | null, changes: Changes<LinkDetails>): LinkDetails | null {
  return merged<LinkDetails>(NAMES, present, changes);
}

/** ASCII, less than 64 KiB by the bounds of its fields. */
export function detailsText(details: LinkDetails): string {
  return asciiJson(details);
}

/** Of a text of {@link detailsText}. What a later release put there beside it is left out: it says only what a link is. */
export function parseDetails(text: string): LinkDetails | null {
  const fields = fieldsIn(text);
  if (fields === undefined) throw new Error('the details of a link are no JSON object');
  return mergeDetails(null, fields as Changes<LinkDetails>);
}
