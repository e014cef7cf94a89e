/** Creates with idempotency keys: of one link, and of several by one key. */
import { type Actor, demand } from './actor.js';
import { type Draft, normalForm, type ShortenRequest, type ShortenResult, withPassword } from './draft.js';
import { InvalidLinkError } from './errors.js';
import { type Digest, IdempotencyKeys, type KeyedRequest } from './idempotency.js';
import { hashOfItem, type KeyedBatch, reserveBatch } from './keyed-batch.js';
import { KeyedCreate, type KeyedCreateOptions, type KeyedDraft } from './keyed-create.js';
import type { Passwords } from './passwords.js';
import type { Clock, ReservationStore } from './ports.js';

export interface ByKeyOptions extends KeyedCreateOptions {
  readonly passwords?: Passwords | undefined;
  readonly digest: Digest;
  readonly reservations: ReservationStore;
  readonly clock: Clock;
  /** @throws InvalidLinkError */
  readonly validate: (domainId: number, request: ShortenRequest, nowMs: number, owner: string) => Draft;
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
  function create({ request, draft }: Asked, keyed: KeyedRequest, atMs: number) {
    return new KeyedCreate(options, keyed, {
      draft: { ...draft, createdAtMs: atMs },
      demandNow: () => void validate(draft.domainId, request, atMs, draft.owner),
      useCounters: (use) => useCounters({ ...draft, createdAtMs: atMs }, use),
    }).run();
  }

  /** A repeated request is what it was, also when its expiry has passed by now; and so is what is kept of its password, by a salt of the key's. */
  async function draftOf(domainId: number, request: ShortenRequest, actor: Actor, key: string, index = 0) {
    const draft = validate(domainId, request, 0, actor.owner);
    if (draft.password === undefined) return draft;
    const salt = digest(JSON.stringify(['salt', actor.kind, actor.name, key, index])).slice(0, SALT_LENGTH);
    return withPassword(draft, options.passwords, salt);
  }

  /** One that is invalid is a part of its batch all the same. */
  const draftOrError = (...asked: Parameters<typeof draftOf>): Promise<Draft | InvalidLinkError> =>
    draftOf(...asked).catch((error: unknown) => {
      if (error instanceof InvalidLinkError) return error;
      throw error;
    });

  return {
    async shorten(domainId, request, actor, key) {
      const nowMs = clock.nowMs();
      const draft = await draftOf(domainId, request, actor, key);
      const asked = normalForm(draft);
      return keys.use({ key, actor, purpose: ['create', domainId], asked }, (keyed) =>
        create({ request, draft }, keyed, nowMs),
      );
    },
    async batch(domainId, requests, actor, key, work) {
      demand('create', actor);
      const nowMs = clock.nowMs();
      const drafts = await Promise.all(
        requests.map((request, index) => draftOrError(domainId, request, actor, key, index)),
      );
      const asked = drafts.map((draft, index) =>
        draft instanceof InvalidLinkError ? invalidForm(requests[index] as ShortenRequest) : normalForm(draft),
      );
      return keys.use({ key, actor, purpose: ['batch', domainId], asked }, async (keyed) => {
        const { replayed, atMs } = await reserveBatch(options, keyed, nowMs);
        const shorten = async (index: number) => {
          const draft = drafts[index] as Draft | InvalidLinkError;
          if (draft instanceof InvalidLinkError) throw draft;
          const request = requests[index] as ShortenRequest;
          return create({ request, draft }, hashOfItem(digest, keyed, index), atMs);
        };
        return work({ replayed, shorten });
      });
    },
  };
}

/** Of 16 bytes. */
const SALT_LENGTH = 32;

interface Asked {
  readonly request: ShortenRequest;
  readonly draft: Draft;
}

/** As it was sent, but for what nobody may guess from a hash. */
function invalidForm({ longUrl, alias, expiresAt, redirectStatus, fields }: ShortenRequest): object {
  const { password: _, ...others } = fields ?? {};
  return { invalid: [longUrl, alias, expiresAt, redirectStatus, ...(fields ? [others] : [])] };
}
