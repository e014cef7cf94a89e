/** Creates with idempotency keys: of one link, and of several by one key. */
import { type Actor, demand } from './actor.js';
import type { Draft, ShortenRequest, ShortenResult } from './draft.js';
import { InvalidLinkError } from './errors.js';
import { type Digest, IdempotencyKeys, type KeyedRequest } from './idempotency.js';
import { hashOfItem, type KeyedBatch, reserveBatch } from './keyed-batch.js';
import { KeyedCreate, type KeyedCreateOptions, type KeyedDraft } from './keyed-create.js';
import type { Clock, ReservationStore } from './ports.js';

export interface ByKeyOptions extends KeyedCreateOptions {
  readonly digest: Digest;
  readonly reservations: ReservationStore;
  readonly clock: Clock;
  /** @throws InvalidLinkError */
  readonly validate: (domainId: number, request: ShortenRequest, nowMs: number) => Draft;
  readonly useCounters: (draft: Draft, use: Parameters<KeyedDraft['useCounters']>[0]) => Promise<ShortenResult>;
}

/** As `Shortener` has it. */
export interface ByKey {
  shorten(domainId: number, request: ShortenRequest, actor: Actor, key: string): Promise<ShortenResult>;
  batch<T>(
    domainId: number,
    requests: readonly ShortenRequest[],
    actor: Actor,
    key: string,
    work: (batch: KeyedBatch) => Promise<T>,
  ): Promise<T>;
}

export function createByKey(options: ByKeyOptions): ByKey {
  const { digest, clock, validate, useCounters } = options;
  const keys = new IdempotencyKeys(digest);

  /** One link by its reservation, as it was asked for at `atMs`. */
  function create(domainId: number, request: ShortenRequest, keyed: KeyedRequest, atMs: number) {
    // A repeated request is what it was, also when its expiry has passed by now.
    const draft = { ...validate(domainId, request, 0), createdAtMs: atMs };
    return new KeyedCreate(options, keyed, {
      draft,
      demandNow: () => void validate(domainId, request, atMs),
      useCounters: (use) => useCounters(draft, use),
    }).run();
  }

  /** In its normal form; one that is invalid as it was sent, for it is a part of the batch all the same. */
  function normal(domainId: number, request: ShortenRequest): object {
    try {
      return { ...validate(domainId, request, 0), createdAtMs: undefined };
    } catch (error) {
      if (!(error instanceof InvalidLinkError)) throw error;
      const { longUrl, alias, expiresAt, redirectStatus } = request;
      return { invalid: [longUrl, alias, expiresAt, redirectStatus] };
    }
  }

  return {
    async shorten(domainId, request, actor, key) {
      const nowMs = clock.nowMs();
      const { createdAtMs: _, ...asked } = validate(domainId, request, 0);
      return keys.use({ key, actor, purpose: ['create', domainId], asked }, (keyed) =>
        create(domainId, request, keyed, nowMs),
      );
    },
    async batch(domainId, requests, actor, key, work) {
      demand('create', actor);
      const nowMs = clock.nowMs();
      const asked = requests.map((request) => normal(domainId, request));
      return keys.use({ key, actor, purpose: ['batch', domainId], asked }, async (keyed) => {
        const { replayed, atMs } = await reserveBatch(options, keyed, nowMs);
        const shorten = async (index: number) =>
          create(domainId, requests[index] as ShortenRequest, hashOfItem(digest, keyed, index), atMs);
        return work({ replayed, shorten });
      });
    },
  };
}
