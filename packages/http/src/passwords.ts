/** What is kept of a password: scrypt's, so that who reads it tries few a second, and those who ask are tried few at once. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { OverloadedError } from './errors.js';

export interface PasswordOptions {
  /** Each takes 16 MB and a core for some 40 ms, on one of the four threads that the process has beside its own. */
  readonly atOnce: number;
  /** That wait for their turn; one more is refused. */
  readonly queuedMax: number;
}

/** 2^14: what is kept says so, and another may follow. */
const COST_LOG2 = 14;
const BLOCK_SIZE = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MEMORY_MAX_BYTES = 64 * 1024 * 1024;
const KEPT = /^scrypt\$14\$8\$1\$([\w-]{22})\$([\w-]{43})$/;

/** Makes and knows passwords again. */
export class PasswordKeeper {
  readonly #options: PasswordOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: PasswordOptions) {
    this.#options = options;
  }

  /** @param salt 32 hexadecimal digits. Rejects with {@link OverloadedError} */
  async hash(password: string, salt?: string): Promise<string> {
    const bytes = salt === undefined ? randomBytes(SALT_BYTES) : Buffer.from(salt, 'hex');
    if (bytes.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes`);
    const sum = await this.#inTurn(() => sumOf(password, bytes));
    return `scrypt$${COST_LOG2}$${BLOCK_SIZE}$${PARALLEL}$${bytes.toString('base64url')}$${sum.toString('base64url')}`;
  }

  /** Rejects with {@link OverloadedError}, and for what is no form of ours. */
  async verify(password: string, kept: string): Promise<boolean> {
    const [, salt, hash] = KEPT.exec(kept) ?? [];
    if (salt === undefined || hash === undefined) throw new Error('what is kept of a password has an unknown form');
    const sum = await this.#inTurn(() => sumOf(password, Buffer.from(salt, 'base64url')));
    return timingSafeEqual(sum, Buffer.from(hash, 'base64url'));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { atOnce, queuedMax } = this.#options;
    if (this.#running < atOnce) this.#running += 1;
    else if (this.#waiting.length >= queuedMax) throw new OverloadedError('Too many passwords are being looked at.');
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // It has the turn of the one who leaves.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function sumOf(password: string, salt: Buffer): Promise<Buffer> {
  const options = { N: 2 ** COST_LOG2, r: BLOCK_SIZE, p: PARALLEL, maxmem: MEMORY_MAX_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, sum) => (error ? reject(error) : resolve(sum)));
  });
}
