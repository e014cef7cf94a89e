import { hkdfSync, randomBytes } from 'node:crypto';
import { agreeOnSecret, type FactStore } from '@lakh/facts';

/** What a key is for. Who learns one of them learns nothing of the others. */
export type KeyPurpose = 'read-your-writes cookie' | 'values in the shared cache';

const KEY_BYTES = 32;

/** The keys that all servers of one database share, derived from the secret that it has on record. */
export class SharedKeys {
  readonly #facts: Pick<FactStore, 'recordOnce'>;
  readonly #keys = new Map<KeyPurpose, Uint8Array>();
  #secret: string | undefined;

  constructor(facts: Pick<FactStore, 'recordOnce'>) {
    this.#facts = facts;
  }

  /** Learns the secret, or records one where there is none yet. Rejects as `FactStore` does: ask again. */
  async load(): Promise<void> {
    this.#secret ??= await agreeOnSecret(this.#facts, randomBytes(KEY_BYTES).toString('base64url'));
  }

  get known(): boolean {
    return this.#secret !== undefined;
  }

  /** Undefined until {@link load} has resolved. */
  find(purpose: KeyPurpose): Uint8Array | undefined {
    const known = this.#keys.get(purpose);
    if (known !== undefined || this.#secret === undefined) return known;
    const key = new Uint8Array(hkdfSync('sha256', this.#secret, '', purpose, KEY_BYTES));
    this.#keys.set(purpose, key);
    return key;
  }

  /** For who has awaited {@link load}. */
  get(purpose: KeyPurpose): Uint8Array {
    const key = this.find(purpose);
    if (key === undefined) throw new Error('the keys are not loaded');
    return key;
  }
}
