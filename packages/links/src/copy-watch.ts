import { CopyProof } from './copy-proof.js';
import type { CopyRelay } from './copy-relay.js';
import { parseCopyState } from './copy-state.js';
import type { CopyClock, CopyHolder } from './link-copy.js';

export interface CopyWatchOptions {
  readonly holder: CopyHolder;
  readonly relay: CopyRelay;
  readonly clock: CopyClock;
  /** From the sending of one poll to that of the next; drawn anew each time. */
  readonly everyMs: () => number;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What one process knows of what one holder has: polls the states, over and over, for what they prove and for what is due. */
export class CopyWatch {
  readonly relay: CopyRelay;
  readonly #options: CopyWatchOptions;
  readonly #proofs: ReadonlyMap<number, CopyProof>;
  #takeBack: (() => void) | undefined;
  #isStopped = false;

  constructor(options: CopyWatchOptions) {
    this.relay = options.relay;
    this.#options = options;
    this.#proofs = new Map(options.holder.buckets.map((bucket) => [bucket, new CopyProof()]));
  }

  start(): void {
    void this.#poll();
  }

  /** Settles with the round in hand. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#takeBack?.();
    await this.relay.stop();
  }

  /** Undefined where the holder has ended: nothing that was proven of it counts any more. */
  proofOf(bucket: number): CopyProof | undefined {
    return this.#options.holder.ended.aborted ? undefined : this.#proofs.get(bucket);
  }

  async #poll(): Promise<void> {
    const { holder, clock, everyMs, onError } = this.#options;
    const sentMs = clock.monotonicMs();
    try {
      const texts = await holder.read(holder.buckets);
      if (this.#isStopped || holder.ended.aborted) return;
      for (const [i, [bucket, proof]] of [...this.#proofs].entries()) {
        const text = texts[i] ?? '';
        const state = parseCopyState(text);
        proof.polled(sentMs, state);
        this.relay.polled(bucket, text, state);
      }
    } catch (error) {
      if (!this.#isStopped) onError?.(error);
    }
    if (this.#isStopped || holder.ended.aborted) return;
    const dueInMs = sentMs + everyMs() - clock.monotonicMs();
    this.#takeBack = clock.schedule(Math.max(0, dueInMs), () => void this.#poll());
  }
}
