/** What was true when, and what was served and copied that was not. */
import { bucketOf, type LogPosition, parseCopyState, type StoredLink } from '@lakh/links';
import type { RedisNode } from './redis.js';

export type CopyViolationKind =
  /** Something was served for longer after it ceased to be true than S allows. */
  | 'stale'
  /** Who has just written was answered with what was true before. */
  | 'not fresh'
  /** The copy holds at its position what the database did not have there. */
  | 'copy'
  /** What was is taken out of the copy before there is anything else: the next fill brings it back. */
  | 'too early'
  /** Trust did not return though everything has healed, or somebody waits for ever. */
  | 'stuck';

export interface CopyViolation {
  readonly kind: CopyViolationKind;
  readonly text: string;
}

const MAX_VIOLATIONS = 20;

const placeOf = (bucket: number, { seq, nonce }: LogPosition) => `${bucket}|${seq}|${nonce}`;

export function show(link: StoredLink | undefined): string {
  if (link === undefined) return 'nothing';
  return `${link.code} version ${link.version} (${link.state === 'live' ? link.longUrl : 'deleted'})`;
}

export class Truth {
  readonly violations: CopyViolation[] = [];
  readonly #nowMs: () => number;
  /** Since when each link that ever was is not true any more; undefined: it is. */
  readonly #untrueSinceMs = new Map<StoredLink, number | undefined>();
  /** Links that were made and lost with the end of the log: their code is nobody's, until it is made again. */
  readonly #lost = new Set<StoredLink>();
  readonly #places = new Map<string, ReadonlyMap<string, StoredLink>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  report(kind: CopyViolationKind, text: string): void {
    if (this.violations.length < MAX_VIOLATIONS)
      this.violations.push({ kind, text: `${text} at ${this.#nowMs().toFixed(1)} ms` });
  }

  replaced(before: StoredLink | undefined, now: StoredLink): void {
    const nowMs = this.#nowMs();
    if (before !== undefined) this.#untrueSinceMs.set(before, nowMs);
    for (const link of this.#lost) {
      if (link.code !== now.code) continue;
      this.#lost.delete(link);
      this.#untrueSinceMs.set(link, nowMs);
    }
    this.#untrueSinceMs.set(now, undefined);
  }

  /** The database has `then` again where it had `link`. */
  undone(link: StoredLink | undefined, then: StoredLink | undefined): void {
    if (link === then) return;
    if (link !== undefined && then === undefined) this.#lose(link.code);
    else if (link !== undefined) this.#untrueSinceMs.set(link, this.#nowMs());
    if (then !== undefined) this.#untrueSinceMs.set(then, undefined);
  }

  /** With its making all that it was since is nobody's. */
  #lose(code: string): void {
    for (const link of this.#untrueSinceMs.keys()) {
      if (link.code !== code) continue;
      this.#lost.add(link);
      this.#untrueSinceMs.set(link, undefined);
    }
  }

  isLost(code: string): boolean {
    return [...this.#lost].some((link) => link.code === code);
  }

  place(bucket: number, position: LogPosition, links: Iterable<StoredLink>): void {
    const ofBucket = [...links].filter(({ domainId, code }) => bucketOf(domainId, code) === bucket);
    this.#places.set(placeOf(bucket, position), new Map(ofBucket.map((link) => [link.code, link])));
  }

  served(what: string, link: StoredLink, allowedMs: number): void {
    const sinceMs = this.#untrueSinceMs.get(link);
    if (sinceMs === undefined) return;
    const ageMs = this.#nowMs() - sinceMs;
    if (ageMs > allowedMs)
      this.report('stale', `${what}: ${show(link)}, ${ageMs.toFixed(1)} ms after it was no more true`);
  }

  /** Somebody who wrote asked from `sinceMs` on. */
  servedFresh(what: string, link: StoredLink, sinceMs: number): void {
    const untrueMs = this.#untrueSinceMs.get(link);
    if (untrueMs !== undefined && untrueMs < sinceMs) this.report('not fresh', `${what}: ${show(link)}`);
  }

  /** Somebody took out of the copy what was before a version. */
  withdrawn(code: string, version: number): void {
    const isMade = [...this.#untrueSinceMs.keys()].some((link) => link.code === code && link.version === version);
    if (!isMade) this.report('too early', `what was before version ${version} of ${code} was taken out`);
  }

  /** Whether it was ever replaced or undone. */
  isTrue(link: StoredLink): boolean {
    return this.#untrueSinceMs.get(link) === undefined;
  }

  /** The youngest of those that a cache may mean by its words. */
  meant(isMeant: (link: StoredLink) => boolean): StoredLink | undefined {
    let best: StoredLink | undefined;
    let bestMs = Number.NEGATIVE_INFINITY;
    for (const [link, sinceMs = Number.POSITIVE_INFINITY] of this.#untrueSinceMs) {
      if (!isMeant(link) || sinceMs < bestMs) continue;
      [best, bestMs] = [link, sinceMs];
    }
    return best;
  }

  /** Whether a node of Redis holds, at the position of each bucket, what the database had there. */
  compare(node: RedisNode): void {
    for (const [bucket, text] of node.data.states) {
      const state = parseCopyState(text);
      if (state === undefined) continue;
      const links = this.#places.get(placeOf(bucket, state.position));
      for (const [key, link] of node.data.links) {
        if (bucketOf(link.domainId, link.code) !== bucket || key !== node.keyOf(state.epoch, link)) continue;
        const there = links?.get(link.code);
        if (there === link || (there === undefined && this.#lost.has(link))) continue;
        this.report(
          'copy',
          `${node.name} at ${state.position.seq} of ${bucket} has ${show(link)}, and the database had ${show(there)}`,
        );
      }
    }
  }
}
