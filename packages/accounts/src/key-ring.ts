import type { FactStore } from '@lakh/facts';
import type { Clock } from '@lakh/links';
import { type ApiKey, idIn, isValid, type KeyCrypto } from './api-key.js';
import { KEY_BOOK_FACT, KeyBook } from './key-book.js';
import { addUses } from './key-uses.js';

export interface KeyRingOptions {
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly crypto: KeyCrypto;
}

/** Every key of a database, as of the last reading: what a server asks on each request, without waiting for anything. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #text: string | undefined;
  #keys = new Map<string, ApiKey>();
  /** Since they were last written down. */
  #uses = new Map<string, number>();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** How many keys there are, those included that let nobody in. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * Reads all keys. Rejects as `FactStore` does, and with `KeyBookInvalidError`: those of before go on.
   *
   * @returns whether they have changed
   */
  async load(): Promise<boolean> {
    const text = await this.#options.facts.read(KEY_BOOK_FACT);
    if (text === this.#text) return false;
    const { keys } = text === undefined ? new KeyBook() : KeyBook.parse(text);
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#text = text;
    return true;
  }

  /** Whose text this is, if that is a valid key. */
  find(text: string): ApiKey | undefined {
    const { clock, crypto } = this.#options;
    const key = this.#keys.get(idIn(text) ?? '');
    if (key === undefined || !crypto.isSame(key.sum, crypto.sumOf(text))) return undefined;
    const nowMs = clock.nowMs();
    if (!isValid(key, nowMs)) return undefined;
    this.#uses.set(key.id, nowMs);
    return key;
  }

  /** Writes down which keys were used. Rejects as `FactStore` does: then it is for the next time. */
  async noteUses(): Promise<void> {
    if (this.#uses.size === 0) return;
    const uses = this.#uses;
    this.#uses = new Map();
    let isWritten = false;
    try {
      isWritten = await addUses(this.#options.facts, uses, (id) => this.#keys.has(id));
    } finally {
      if (!isWritten) this.#uses = new Map([...uses, ...this.#uses]);
    }
  }
}
