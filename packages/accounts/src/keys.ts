import type { FactStore } from '@lakh/facts';
import type { Clock } from '@lakh/links';
import { type ApiKey, ID_LENGTH, isValid, type KeyCrypto, keyText, SECRET_LENGTH } from './api-key.js';
import { InvalidKeyRequestError, KeyContentionError } from './errors.js';
import { KEY_BOOK_FACT, KeyBook } from './key-book.js';
import { type KeyRequest, validateKey } from './key-request.js';
import { readUses } from './key-uses.js';

export interface KeysOptions {
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly crypto: KeyCrypto;
}

/** A key as whoever administers keys sees it. */
export interface KeyView extends Omit<ApiKey, 'sum'> {
  readonly isValid: boolean;
  /** To within a minute or so; null: never. */
  readonly lastUsedAtMs: number | null;
}

export interface NewKey {
  readonly key: KeyView;
  /** What its holder shows: it is nowhere kept, and not to be had again. */
  readonly text: string;
}

/** What is done to keys. Rejects as `FactStore` does, too, with {@link KeyContentionError}, and with `KeyBookInvalidError`. */
export interface Keys {
  list(): Promise<readonly KeyView[]>;
  /** Rejects with InvalidKeyRequestError, KeyNameTakenError, TooManyKeysError. */
  create(request: KeyRequest): Promise<NewKey>;
  /**
   * Another key in the place of this one, which goes on letting in for `overlapS` seconds, 0 to {@link OVERLAP_MAX_S}; default {@link OVERLAP_S}.
   * Rejects with KeyNotFoundError, InvalidKeyRequestError, TooManyKeysError.
   */
  rotate(idOrName: string, overlapS?: unknown): Promise<NewKey>;
  /** From the next seconds on it lets nobody in; again for one that does not anyway. Rejects with KeyNotFoundError. */
  revoke(idOrName: string): Promise<KeyView>;
}

const DAY_S = 86_400;
export const OVERLAP_S = DAY_S;
export const OVERLAP_MAX_S = 90 * DAY_S;

/** Who changes keys is a person, or the program of one. */
const ATTEMPTS = 10;

export function createKeys({ facts, clock, crypto }: KeysOptions): Keys {
  /** Puts what `change` makes of all keys in their place. */
  async function changeBook<T>(change: (book: KeyBook) => readonly [KeyBook, T]): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const text = await facts.recordOnce(KEY_BOOK_FACT, new KeyBook().toString());
      const book = KeyBook.parse(text);
      const [changed, result] = change(book);
      if (changed === book || (await facts.replace(KEY_BOOK_FACT, text, changed.toString()))) return result;
    }
    throw new KeyContentionError('Others are changing keys at the same time.');
  }

  const viewOf = ({ sum: _, ...key }: ApiKey, uses: ReadonlyMap<string, number> = new Map()): KeyView => ({
    ...key,
    isValid: isValid({ sum: _, ...key }, clock.nowMs()),
    lastUsedAtMs: uses.get(key.id) ?? null,
  });

  function make(given: Pick<ApiKey, 'name' | 'owner' | 'scopes' | 'reach' | 'expiresAtMs'>): {
    key: ApiKey;
    text: string;
  } {
    const id = crypto.random(ID_LENGTH);
    const text = keyText(id, crypto.random(SECRET_LENGTH));
    return { key: { id, ...given, sum: crypto.sumOf(text), createdAtMs: clock.nowMs(), revokedAtMs: null }, text };
  }

  return {
    async list() {
      const [text, uses] = await Promise.all([facts.read(KEY_BOOK_FACT), readUses(facts)]);
      const { keys } = text === undefined ? new KeyBook() : KeyBook.parse(text);
      return keys.map((key) => viewOf(key, uses));
    },

    async create(request) {
      const { key, text } = make(validateKey(request, clock.nowMs()));
      return changeBook((book) => [book.with(key), { key: viewOf(key), text }]);
    },

    async rotate(idOrName, overlapS = OVERLAP_S) {
      if (!(Number.isInteger(overlapS) && (overlapS as number) >= 0 && (overlapS as number) <= OVERLAP_MAX_S)) {
        const reason = `must be a whole number of seconds from 0 to ${OVERLAP_MAX_S}`;
        throw new InvalidKeyRequestError([{ field: 'overlap_s', rule: 'invalid_overlap', reason }]);
      }
      return changeBook((book) => {
        const old = book.get(idOrName, clock.nowMs());
        const { name, owner, scopes, reach, expiresAtMs } = old;
        const { key, text } = make({ name, owner, scopes, reach, expiresAtMs });
        return [book.rotated(old, key, key.createdAtMs + (overlapS as number) * 1_000), { key: viewOf(key), text }];
      });
    },

    async revoke(idOrName) {
      return changeBook((book) => {
        const nowMs = clock.nowMs();
        const key = book.get(idOrName, nowMs);
        if (key.revokedAtMs !== null) return [book, viewOf(key)];
        return [book.revoked(key.id, nowMs), viewOf({ ...key, revokedAtMs: nowMs })];
      });
    },
  };
}
