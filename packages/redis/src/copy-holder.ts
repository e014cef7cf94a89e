import {
  bucketOf,
  type CopyChanges,
  type CopyHolder,
  type CopyMove,
  type CopyPlace,
  endOfCopyState,
  STATE_MAX_LENGTH,
  type StoredLink,
} from '@lakh/links';
import { CHANGES_CHANNEL, encodeChange } from './change-feed.js';
import { linkKey, slotOfBucket, stateKey } from './copy-keys.js';
import { ADVANCE, APPLY, FILL, READ, TOO_LONG } from './copy-scripts.js';
import type { Master } from './master.js';
import type { Seal } from './seal.js';
import { jittered } from './ttl.js';
import { decodeLink, encodeLink, LINE_MAX_LENGTH, type NoLink } from './value.js';

const CAN_BE_A_STATE = new RegExp(`^[ -~]{0,${STATE_MAX_LENGTH}}$`);

export interface CopyHolderOptions {
  readonly master: Master;
  readonly buckets: readonly number[];
  /** Whether one command may ask for one slot alone. */
  readonly isCluster: boolean;
  readonly ttlMs: number;
  /** Undefined while it is not known. */
  readonly findSeal: () => Seal | undefined;
  /** What is under a key and no link is taken for a miss. */
  readonly onRead?: ((outcome: 'hit' | 'miss' | NoLink | 'failed') => void) | undefined;
}

/** Buckets of a copy on one master, for as long as that is one. */
export class RedisCopyHolder implements CopyHolder {
  readonly buckets: readonly number[];
  readonly #options: CopyHolderOptions;
  readonly #ending = new AbortController();
  /**
   * Whether somebody may have put what is too long to be read under the key of a state. Looking at the beginning alone costs the server ten times as
   * much, and is done until none was too long, and after a reading that failed.
   */
  #isWary = true;

  constructor(options: CopyHolderOptions) {
    this.#options = options;
    this.buckets = options.buckets;
  }

  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  end(error: Error): void {
    this.#ending.abort(error);
  }

  async read(buckets: readonly number[]): Promise<readonly string[]> {
    const { master } = this.#options;
    const states = this.#together(
      buckets,
      (bucket) => bucket,
      async (part) => {
        const keys = part.map(stateKey);
        // Whole, not by its hash: it must not be sent a second time, behind what confirms it.
        const ask = this.#isWary ? ['EVAL', READ.text, String(keys.length)] : ['MGET'];
        const texts = (await master.send([...ask, ...keys])) as (string | null)[];
        return texts.map((text) => text ?? '');
      },
    ).then(
      (texts) => {
        this.#isWary = texts.some((text) => text === TOO_LONG || text.length > STATE_MAX_LENGTH);
        // As scripts see it that compare it.
        return texts.map((text) => (CAN_BE_A_STATE.test(text) ? text : ''));
      },
      (error: unknown) => {
        this.#isWary = true;
        throw error;
      },
    );
    // Behind them on the same connection. Who reads a few has a state to move, which nobody but a master does.
    const confirmed = buckets.length === this.buckets.length ? master.confirm() : undefined;
    const [texts] = await Promise.all([states, confirmed]);
    return texts;
  }

  advance(moves: readonly CopyMove[]): Promise<readonly boolean[]> {
    return this.#together(
      moves,
      ({ bucket }) => bucket,
      async (part) => {
        const keys = part.map(({ bucket }) => stateKey(bucket));
        const moved = await this.#options.master.run(
          ADVANCE,
          keys,
          part.flatMap(({ from, to }) => [from, to]),
        );
        return (moved as number[]).map((each) => each === 1);
      },
    );
  }

  async apply({ bucket, from, to }: CopyMove, { epoch, changes }: CopyChanges): Promise<boolean> {
    const seal = this.#options.findSeal();
    const keys = [stateKey(bucket)];
    const args = [from, to, CHANGES_CHANNEL];
    for (const change of changes) {
      const key = linkKey(change, epoch);
      const { value = '', livesMs = 0 } = change.link && seal ? this.#sealed(change.link, key, seal) : {};
      keys.push(key);
      args.push(value, String(livesMs), encodeChange(change));
    }
    return (await this.#options.master.run(APPLY, keys, args)) === 1;
  }

  async fill(link: StoredLink, at: CopyPlace): Promise<boolean> {
    const seal = this.#options.findSeal();
    if (seal === undefined) throw new Error('nothing can be sealed yet');
    const key = linkKey(link, at.epoch);
    const { value, livesMs } = this.#sealed(link, key, seal);
    const keys = [stateKey(bucketOf(link.domainId, link.code)), key];
    return (await this.#options.master.run(FILL, keys, [endOfCopyState(at), value, String(livesMs)])) === 1;
  }

  async get(domainId: number, code: string, epoch: string): Promise<StoredLink | undefined> {
    const { master, findSeal, onRead } = this.#options;
    const key = linkKey({ domainId, code }, epoch);
    let line: string;
    try {
      line = await master.get(key, LINE_MAX_LENGTH + 1);
    } catch (error) {
      onRead?.(isOfTheKey(error) ? 'bad-value' : 'failed');
      throw error;
    }
    if (line === '') {
      onRead?.('miss');
      return undefined;
    }
    const found = decodeLink({ domainId, code }, key, line, findSeal(), Date.now());
    onRead?.(typeof found === 'string' ? found : 'hit');
    return typeof found === 'string' ? undefined : found;
  }

  #sealed(link: StoredLink, key: string, seal: Seal): { readonly value: string; readonly livesMs: number } {
    const livesMs = jittered(this.#options.ttlMs, Math.random());
    return { value: encodeLink(link, key, seal, Date.now() + livesMs), livesMs };
  }

  /** What `ask` says of each, asked of as many at once as may be. */
  async #together<T, R>(
    all: readonly T[],
    bucketIn: (each: T) => number,
    ask: (part: readonly T[]) => Promise<readonly R[]>,
  ): Promise<readonly R[]> {
    if (!this.#options.isCluster || all.length <= 1) return ask(all);
    const parts = new Map<number, number[]>();
    for (const [i, each] of all.entries()) {
      const slot = slotOfBucket(bucketIn(each));
      const part = parts.get(slot);
      if (part) part.push(i);
      else parts.set(slot, [i]);
    }
    const answers: R[] = new Array(all.length);
    await Promise.all(
      [...parts.values()].map(async (places) => {
        const part = await ask(places.map((i) => all[i] as T));
        for (const [at, i] of places.entries()) answers[i] = part[at] as R;
      }),
    );
    return answers;
  }
}

/** The server answered, and what is under this key is not even text. */
function isOfTheKey(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE ');
}
