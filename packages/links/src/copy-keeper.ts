import { BUCKETS, bucketOf } from './bucket.js';
import type { ChangeLog } from './change-log.js';
import { createCopyReader, type FillOutcome } from './copy-reader.js';
import { CopyRelay, type RoundOutcome } from './copy-relay.js';
import { parseCopyState } from './copy-state.js';
import type { NewNonce } from './copy-step.js';
import { CopyWatch } from './copy-watch.js';
import { CopyWithdrawals, type WithdrawalOutcome } from './copy-withdrawals.js';
import type { CopyClock, CopyHolder, LinkCopy } from './link-copy.js';
import type { Invalidation, LinkCache } from './ports.js';

export interface CopyKeeperOptions {
  readonly copy: LinkCopy;
  readonly log: ChangeLog;
  readonly clock: CopyClock;
  /** Uniform in [0, 1); only for jitter. */
  readonly random: () => number;
  readonly newNonce: NewNonce;
  /** For how long after a moment what was true then may be served. */
  readonly validForMs: number;
  readonly observer?: CopyObserver | undefined;
}

/** For metrics and logs. */
export interface CopyObserver {
  round?(outcome: RoundOutcome, changes: number): void;
  fill?(outcome: FillOutcome): void;
  /** A read for which there was nobody to ask. */
  bypassed?(): void;
  /** What became of taking out a value that a change left behind. */
  withdrawn?(outcome: WithdrawalOutcome): void;
  /** What kept a poll or a round from its end. */
  failed?(error: unknown): void;
}

/** The copy to one process, which keeps it exact, as every other does, and reads it as far as it is proven to be. */
export interface CopyKeeper {
  readonly cache: LinkCache;
  /**
   * Brings what was committed before the call to the copy at once, and all servers hear of it. Settles within a bounded wait. False: not that it
   * is known of; somebody's next round does it. Until then what the copy has of the code may be what was: where `version`, that of the change, is given,
   * it is taken out, and nobody is given it for as long as the database cannot be asked.
   */
  hasten(domainId: number, code: string, version?: number): Promise<boolean>;
  /** The time since when nothing is proven any more of the bucket that is worst off, in milliseconds. */
  ageMs(): number;
  /** Whether anything at all can be looked up in it, proven or not: a copy that lost its states (Redis was emptied) has nothing until a round begins it anew. */
  holdsSome(): boolean;
  /** Polls and relays until the returned function is called, which waits for the rounds in hand. Nothing is proven before. */
  start(): () => Promise<void>;
}

/** Trust takes two advances of a pulse, and six rounds or so at worst: there have to be several times as many in the time for which it is used. */
const ROUNDS_IN_VALIDITY = 20;
const ADVANCES_OF_PROOF = 2;
const ROUND_MS = { least: 50, most: 250 } as const;
/** Of the time between two polls. An advance that was seen in the last poll is younger than that. */
const DUE_AFTER_PART = 0.8;
const JITTER_PART = 0.1;
/** Who changes a link is told no later. */
const HASTEN_WAIT_MS = 250;
export function createCopyKeeper(options: CopyKeeperOptions): CopyKeeper {
  const { copy, log, clock, random, newNonce, validForMs, observer } = options;
  const watches = new Map<CopyHolder, CopyWatch>();
  const roundMs = roundMsOf(validForMs);

  function watch(holder: CopyHolder): void {
    const onError = observer?.failed;
    const relay = new CopyRelay({
      holder,
      log,
      clock,
      newNonce,
      dueAfterMs: roundMs * DUE_AFTER_PART,
      onRound: observer?.round,
      onError,
    });
    const everyMs = () => roundMs * (1 - JITTER_PART + 2 * JITTER_PART * random());
    const watching = new CopyWatch({ holder, relay, clock, everyMs, onError });
    watches.set(holder, watching);
    holder.ended.addEventListener('abort', () => watches.delete(holder), { once: true });
    watching.start();
  }

  const withdrawals = new CopyWithdrawals({
    clock,
    async withdraw(changed) {
      const holder = copy.holderOf(bucketOf(changed.domainId, changed.code));
      return holder !== undefined && withdrawFrom(holder, changed);
    },
    onEnd: observer?.withdrawn,
  });

  return {
    cache: createCopyReader({
      copy,
      proofOf: (bucket, holder) => watches.get(holder)?.proofOf(bucket),
      validForMs,
      onFill: observer?.fill,
      onBypassed: observer?.bypassed,
    }),

    async hasten(domainId, code, version) {
      const bucket = bucketOf(domainId, code);
      const holder = copy.holderOf(bucket);
      const watching = holder && watches.get(holder);
      const isDone = watching !== undefined && (await within(HASTEN_WAIT_MS, clock, watching.relay.hasten(bucket)));
      if (!isDone && version !== undefined) withdrawals.begin({ domainId, code, version });
      return isDone;
    },

    ageMs() {
      let oldestMs = Number.POSITIVE_INFINITY;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const holder = copy.holderOf(bucket);
        const provenMs = (holder && watches.get(holder)?.proofOf(bucket)?.provenMs) ?? Number.NEGATIVE_INFINITY;
        oldestMs = Math.min(oldestMs, provenMs);
      }
      return clock.monotonicMs() - oldestMs;
    },

    holdsSome() {
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const holder = copy.holderOf(bucket);
        if ((holder && watches.get(holder)?.proofOf(bucket)?.epoch) !== undefined) return true;
      }
      return false;
    },

    start() {
      const unfollow = copy.follow(watch);
      return async () => {
        withdrawals.stop();
        unfollow();
        const stopping = [...watches.values()].map((watching) => watching.stop());
        watches.clear();
        await Promise.all(stopping);
      };
    },
  };
}

/** The state stays as it is: a copy may lack anything, and stands where it stood. @returns whether what was is out */
async function withdrawFrom(holder: CopyHolder, changed: Invalidation): Promise<boolean> {
  const bucket = bucketOf(changed.domainId, changed.code);
  const [state = ''] = await holder.read([bucket]);
  const epoch = parseCopyState(state)?.epoch;
  if (epoch === undefined) return true; // nothing is held that anybody would read
  return holder.apply({ bucket, from: state, to: state }, { epoch, changes: [{ ...changed, link: undefined }] });
}

function roundMsOf(validForMs: number): number {
  // Where nothing can be proven within it nothing is gained by hurry: these are rounds for the others.
  if (validForMs <= ADVANCES_OF_PROOF * ROUND_MS.least) return ROUND_MS.most;
  return Math.min(ROUND_MS.most, Math.max(ROUND_MS.least, validForMs / ROUNDS_IN_VALIDITY));
}

function within(waitMs: number, clock: CopyClock, done: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const takeBack = clock.schedule(waitMs, () => resolve(false));
    void done.then((isDone) => {
      takeBack();
      resolve(isDone);
    });
  });
}
