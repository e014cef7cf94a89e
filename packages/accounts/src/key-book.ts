/**
 * All keys of a database, as one text: what a server reads, and what is replaced as a whole by who changes one of them.
 */
import { type ApiKey, ID_LENGTH, isValid, REACHES, SCOPES, type Scope } from './api-key.js';
import { KeyBookInvalidError, KeyNameTakenError, KeyNotFoundError, TooManyKeysError } from './errors.js';

/** Under which name the database has it. */
export const KEY_BOOK_FACT = 'api_keys';

export const KEYS_MAX = 10_000;

/** How long a key that lets nobody in any more is shown, so that a log that names it can be read. */
const FORGOTTEN_AFTER_MS = 90 * 24 * 3_600_000;

const FORMAT = 1;

export class KeyBook {
  readonly keys: readonly ApiKey[];

  constructor(keys: readonly ApiKey[] = []) {
    this.keys = keys;
  }

  /** @throws KeyBookInvalidError: a later release wrote it, or nobody of ours did */
  static parse(text: string): KeyBook {
    const { format, keys } = parseJson(text);
    if (format !== FORMAT || !Array.isArray(keys) || !keys.every(isKey)) {
      throw new KeyBookInvalidError('the API keys in the database are in no form that this release knows');
    }
    return new KeyBook(keys);
  }

  toString(): string {
    return JSON.stringify({ format: FORMAT, keys: this.keys });
  }

  /** By its id, or by the name of a valid one. @throws KeyNotFoundError */
  get(idOrName: string, nowMs: number): ApiKey {
    const found =
      this.keys.find(({ id }) => id === idOrName) ??
      // After a rotation there are two for a while: the one that stays is meant.
      this.keys
        .filter((key) => key.name === idOrName && isValid(key, nowMs))
        .reverse()
        .sort(byLife)[0];
    if (found === undefined) throw new KeyNotFoundError('No key has this id, nor is it the name of a valid one.');
    return found;
  }

  /** @throws KeyNameTakenError, TooManyKeysError */
  with(key: ApiKey): KeyBook {
    if (this.keys.some((other) => other.name === key.name && isValid(other, key.createdAtMs))) {
      throw new KeyNameTakenError(`There is a key of the name ${key.name}: rotate or revoke it.`);
    }
    return this.#plus(key);
  }

  /** `key` in the place of one of the same name, which lets in until `untilMs`, and no longer than it did. @throws KeyNotFoundError, TooManyKeysError */
  rotated(old: ApiKey, key: ApiKey, untilMs: number): KeyBook {
    if (!isValid(old, key.createdAtMs)) throw new KeyNotFoundError('This key lets nobody in any more.');
    return this.#with(old.id, { expiresAtMs: Math.min(untilMs, old.expiresAtMs ?? untilMs) }).#plus(key);
  }

  revoked(id: string, nowMs: number): KeyBook {
    return this.#with(id, { revokedAtMs: nowMs });
  }

  #with(id: string, changes: Partial<ApiKey>): KeyBook {
    return new KeyBook(this.keys.map((key) => (key.id === id ? { ...key, ...changes } : key)));
  }

  #plus(key: ApiKey): KeyBook {
    const since = key.createdAtMs - FORGOTTEN_AFTER_MS;
    const kept = this.keys.filter((other) => isValid(other, since) || (other.revokedAtMs ?? 0) > since);
    if (kept.length >= KEYS_MAX) throw new TooManyKeysError(`There are ${KEYS_MAX} keys, as many as there may be.`);
    return new KeyBook([...kept, key]);
  }
}

/** A key that ends before its successor's overlap does ends when that does: of two that end together the one that came first here comes first. */
const byLife = (a: ApiKey, b: ApiKey) => (b.expiresAtMs ?? Infinity) - (a.expiresAtMs ?? Infinity);

function parseJson(text: string): { readonly format?: unknown; readonly keys?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new KeyBookInvalidError('the API keys in the database are no JSON', { cause: error });
  }
}

function isKey(value: unknown): value is ApiKey {
  const key = Object(value) as Partial<Record<keyof ApiKey, unknown>>;
  const isTime = (time: unknown) => Number.isSafeInteger(time) && (time as number) >= 0;
  return (
    typeof key.id === 'string' &&
    key.id.length === ID_LENGTH &&
    typeof key.name === 'string' &&
    typeof key.owner === 'string' &&
    typeof key.sum === 'string' &&
    /^[0-9a-f]{64}$/.test(key.sum) &&
    Array.isArray(key.scopes) &&
    key.scopes.every((scope) => SCOPES.includes(scope as Scope)) &&
    REACHES.some((reach) => reach === key.reach) &&
    isTime(key.createdAtMs) &&
    (key.expiresAtMs === null || isTime(key.expiresAtMs)) &&
    (key.revokedAtMs === null || isTime(key.revokedAtMs))
  );
}
