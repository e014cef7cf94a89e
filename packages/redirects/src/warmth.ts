import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { BUSY_CODES_MOST, type BusyCodes, type Resolver } from '@lakh/links';
import type { Logger } from '@lakh/process';
import type { L1Cache } from './l1-cache.js';

export interface WarmthOptions {
  readonly domainId: number;
  readonly codes: BusyCodes;
  readonly l1: Pick<L1Cache, 'busiest'>;
  readonly resolver: Pick<Resolver, 'resolve'>;
  /** Whether what the shared cache has is believed by now: before, each code would be a question to the store. */
  readonly isProven: () => boolean;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export interface Warmth {
  /** Looks up what is busy before the first request comes. Settles within two seconds, whatever happens, and never rejects. */
  begin(signal: AbortSignal): Promise<void>;
  /** Keeps what is busy here for others, now and then, until the returned function is called, which keeps it a last time. */
  keep(): () => Promise<void>;
}

/** A start takes that much longer at most. */
const WHOLE_MS = 2_000;
/** Until then Redis was connected to, or is away. */
const RECALL_MS = 500;
/** A copy that works is proven after two advances of its pulses. */
const PROOF_MS = 1_200;
const POLL_MS = 20;
/** Of the thousand look-ups that may ask the store at once. */
const AT_ONCE = 256;
const EVERY_MS = 120_000;
const JITTER_PART = 0.1;
const LAST_KEEP_MS = 500;

/**
 * What is busy, from the servers that know it to one that starts: so that it does not begin by asking Redis, and before that is proven the database, for
 * everything at once while people wait. It is looked up as for anybody, so that nothing is served for longer or believed sooner; L1 has it for as long as ever.
 */
export function createWarmth({ domainId, codes, l1, resolver, isProven, log }: WarmthOptions): Warmth {
  async function recall(endMs: number, signal: AbortSignal): Promise<readonly string[]> {
    for (;;) {
      try {
        return await codes.recall(domainId);
      } catch (error) {
        if (performance.now() >= endMs || signal.aborted) throw error;
      }
      await sleep(POLL_MS);
    }
  }

  /** @returns how many were looked up */
  async function lookUp(busy: readonly string[], isOver: () => boolean): Promise<number> {
    const each = busy.values();
    let found = 0;
    let failed = 0;
    async function run(): Promise<void> {
      for (const code of each) {
        try {
          await resolver.resolve(domainId, code);
          found += 1;
        } catch {
          failed += 1;
        }
        // Where the store is away it is away for all of them.
        if (isOver() || failed > AT_ONCE) return;
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, run));
    return found;
  }

  async function begin(signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    const isOver = () => performance.now() - startedMs >= WHOLE_MS || signal.aborted;
    const busy = await recall(startedMs + RECALL_MS, signal);
    if (busy.length === 0) return;
    while (!isProven() && performance.now() - startedMs < PROOF_MS && !isOver()) await sleep(POLL_MS);
    const found = await lookUp(busy, isOver);
    const tookMs = Math.round(performance.now() - startedMs);
    log.info({ found, of: busy.length, tookMs }, 'the busiest links were looked up ahead');
  }

  async function keepNow(): Promise<void> {
    const busy = await l1.busiest(BUSY_CODES_MOST, nextTurn);
    if (busy.length > 0) await codes.keep(domainId, busy);
  }

  return {
    async begin(signal) {
      // What hangs goes on behind a server that has begun to serve.
      const late = new AbortController();
      const begun = begin(AbortSignal.any([signal, late.signal])).catch((error: unknown) => {
        if (!late.signal.aborted) log.warn({ err: error }, 'nothing is looked up ahead: what is busy is not known');
      });
      await Promise.race([begun, sleep(WHOLE_MS, undefined, { ref: false })]);
      late.abort();
    },

    keep() {
      const timer = setInterval(
        () => void keepNow().catch((error: unknown) => log.warn({ err: error }, 'what is busy is not kept')),
        EVERY_MS * (1 - JITTER_PART + 2 * JITTER_PART * Math.random()),
      ).unref();
      return async () => {
        clearInterval(timer);
        const kept = keepNow().catch((error: unknown) => log.warn({ err: error }, 'what is busy is not kept'));
        await Promise.race([kept, sleep(LAST_KEEP_MS, undefined, { ref: false })]);
      };
    },
  };
}
