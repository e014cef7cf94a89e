import type { ChangeLog } from './change-log.js';
import { type CopyState, parseCopyState } from './copy-state.js';
import { type CopyStep, type NewNonce, stepOf } from './copy-step.js';
import type { CopyClock, CopyHolder } from './link-copy.js';

/** What became of a round of one bucket. `overtaken`: its state was not what it had been, somebody else's round was first. */
export type RoundOutcome = CopyStep['kind'] | 'overtaken' | 'failed';

export interface CopyRelayOptions {
  readonly holder: CopyHolder;
  readonly log: ChangeLog;
  readonly clock: Pick<CopyClock, 'monotonicMs'>;
  readonly newNonce: NewNonce;
  /** A bucket whose pulse was last seen to advance longer ago than this is due. */
  readonly dueAfterMs: number;
  /** For metrics; with how many codes were put right. */
  readonly onRound?: ((outcome: RoundOutcome, changes: number) => void) | undefined;
  /** Told of what kept a round from its end. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

type Lane = 'hurried' | 'due';

/** A bucket that is to be brought to the end of the log. */
interface Waiting {
  /** Its state; undefined: to be read. */
  readonly from: string | undefined;
  /** Those who want to hear whether it was. */
  readonly waiters: readonly ((isDone: boolean) => void)[];
  /** How often somebody else was first since. */
  readonly overtaken: number;
}

/** Rows that one reading of the log may bring, over all of its buckets. */
const ROWS_AT_ONCE = 2_048;
const LEAST_ROWS = 8;
const MOST_ROWS = 256;
/** Whoever was first has moved the bucket on. So often in a row for one who waits is no race. */
const MOST_OVERTAKEN = 8;

/**
 * Keeps exact what one holder has: brings its buckets to the end of the log, in rounds. A round reads states, *then* the log from their positions
 * on, and *then* moves each state on with what the log had, if it is still what was read. Any number of relays may do so at once: of those that have
 * read one state, one moves it.
 *
 * Two rounds of each part of the log may be under way: one of the buckets that somebody waits for, one of the others, so that a long one holds nobody up,
 * nor a part that is slow to read the others. Should they meet in a bucket, one of them is overtaken like any other.
 */
export class CopyRelay {
  readonly #options: CopyRelayOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #pulses = new Map<number, { readonly pulse: number; readonly seenMs: number }>();
  /** Of each part of the log. */
  readonly #running: Readonly<Record<Lane, Map<unknown, Promise<void>>>> = { hurried: new Map(), due: new Map() };
  #isStopped = false;

  constructor(options: CopyRelayOptions) {
    this.#options = options;
    options.holder.ended.addEventListener('abort', () => void this.stop(), { once: true });
  }

  /** Takes up what a poll has found to be due. */
  polled(bucket: number, from: string, state: CopyState | undefined): void {
    const nowMs = this.#options.clock.monotonicMs();
    const pulse = state?.pulse ?? 0;
    const known = this.#pulses.get(bucket);
    const hasAdvanced = known !== undefined && pulse !== known.pulse;
    if (known === undefined) this.#pulses.set(bucket, { pulse, seenMs: Number.NEGATIVE_INFINITY });
    if (pulse > 0 && hasAdvanced) this.#pulses.set(bucket, { pulse, seenMs: nowMs });
    else if (pulse === 0 || known === undefined || nowMs - known.seenMs >= this.#options.dueAfterMs) {
      this.#wait(bucket, { from, waiters: [], overtaken: 0 });
    }
  }

  /** Resolves, with whether all servers were told of what is new there, once a round that began after this call has brought the bucket to the end of the log. */
  hasten(bucket: number): Promise<boolean> {
    return new Promise((resolve) => this.#wait(bucket, { from: undefined, waiters: [resolve], overtaken: 0 }));
  }

  /** Begins no further round; settles with the one in hand. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(Object.values(this.#running).flatMap((works) => [...works.values()]));
    this.#giveUp(this.#waiting);
    this.#waiting.clear();
  }

  #wait(bucket: number, { from, waiters, overtaken }: Waiting): void {
    const waiting = this.#waiting.get(bucket);
    this.#waiting.set(bucket, {
      from: from ?? waiting?.from,
      waiters: waiting === undefined ? waiters : [...waiting.waiters, ...waiters],
      overtaken: Math.max(waiting?.overtaken ?? 0, overtaken),
    });
    if (this.#isStopped) void this.stop();
    else this.#run(laneOf(this.#waiting.get(bucket)), this.#partOf(bucket));
  }

  #partOf(bucket: number): unknown {
    return this.#options.log.partOf?.(bucket);
  }

  #run(lane: Lane, part: unknown): void {
    const works = this.#running[lane];
    if (!works.has(part)) works.set(part, this.#work(lane, part));
  }

  async #work(lane: Lane, part: unknown): Promise<void> {
    // What comes in the same turn of the event loop goes along.
    await Promise.resolve();
    for (let taken = this.#take(lane, part); taken.size > 0; taken = this.#take(lane, part)) {
      await this.#round(taken).then(
        (error) => error && this.#options.onError?.(error),
        (error: unknown) => {
          this.#options.onError?.(error);
          for (const bucket of taken.keys()) this.#failed(bucket, taken);
        },
      );
    }
    this.#running[lane].delete(part);
    // What has come to be of another part while it waited.
    if (!this.#isStopped)
      for (const [bucket, waiting] of this.#waiting) this.#run(laneOf(waiting), this.#partOf(bucket));
  }

  #take(lane: Lane, part: unknown): Map<number, Waiting> {
    if (this.#isStopped) return new Map();
    const taken = new Map(
      [...this.#waiting].filter(([bucket, waiting]) => laneOf(waiting) === lane && this.#partOf(bucket) === part),
    );
    for (const bucket of taken.keys()) this.#waiting.delete(bucket);
    return taken;
  }

  /** Rejects before anything was moved. @returns what kept some from being moved */
  async #round(taken: ReadonlyMap<number, Waiting>): Promise<unknown> {
    const { holder, log, newNonce } = this.#options;
    const states = await this.#statesOf(taken);
    const asked = [...states].map(([bucket, from]) => ({ bucket, after: parseCopyState(from)?.position }));
    const rows = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(ROWS_AT_ONCE / asked.length)));
    const readings = await log.read(asked, rows);
    const lacking = lackingIn(asked, readings);
    for (const bucket of lacking) this.#failed(bucket, taken);
    const nonces = { nonce: newNonce(), newNonce };
    const steps = readings.map((reading) => stepOf(states.get(reading.bucket) ?? '', reading, nonces));
    // Most have nothing to apply, and go together.
    const still = steps.filter(({ changes }) => changes === undefined);
    const errors = await Promise.all([
      still.length > 0 && this.#settle(still, taken, holder.advance(still)),
      ...steps.map((step) => step.changes && this.#settle([step], taken, all(holder.apply(step, step.changes)))),
    ]);
    if (lacking.length > 0) errors.push(new Error('the log did not answer for every bucket'));
    return errors.find(Boolean);
  }

  async #statesOf(taken: ReadonlyMap<number, Waiting>): Promise<Map<number, string>> {
    const unread = [...taken].flatMap(([bucket, { from }]) => (from === undefined ? bucket : []));
    const read = unread.length > 0 ? await this.#options.holder.read(unread) : [];
    const states = new Map(unread.map((bucket, i) => [bucket, read[i] ?? '']));
    for (const [bucket, { from }] of taken) if (from !== undefined) states.set(bucket, from);
    return states;
  }

  /** @returns what kept the steps from being taken */
  async #settle(
    steps: readonly CopyStep[],
    taken: ReadonlyMap<number, Waiting>,
    moving: Promise<readonly boolean[]>,
  ): Promise<unknown> {
    try {
      const moved = await moving;
      for (const [i, step] of steps.entries()) {
        this.#outdate(step);
        if (moved[i]) this.#moved(step, taken.get(step.bucket)?.waiters ?? []);
        else this.#overtaken(step.bucket, taken);
      }
      return undefined;
    } catch (error) {
      for (const { bucket } of steps) this.#failed(bucket, taken);
      return error;
    }
  }

  /** What a poll has found of a bucket while its round was under way is no state any more: a round from there would be overtaken. */
  #outdate({ bucket, from }: CopyStep): void {
    const waiting = this.#waiting.get(bucket);
    if (waiting?.from !== from) return;
    if (waiting.waiters.length > 0) this.#waiting.set(bucket, { ...waiting, from: undefined });
    else this.#waiting.delete(bucket);
  }

  #moved({ bucket, kind, to, state, changes }: CopyStep, waiters: Waiting['waiters']): void {
    this.#options.onRound?.(kind, changes?.changes.length ?? 0);
    if (kind === 'piece') {
      this.#wait(bucket, { from: to, waiters, overtaken: 0 });
      return;
    }
    this.#pulses.set(bucket, { pulse: state.pulse, seenMs: this.#options.clock.monotonicMs() });
    // Where it began anew, nobody was told what changed.
    for (const done of waiters) done(kind !== 'cold');
  }

  #overtaken(bucket: number, taken: ReadonlyMap<number, Waiting>): void {
    this.#options.onRound?.('overtaken', 0);
    const { waiters = [], overtaken = 0 } = taken.get(bucket) ?? {};
    if (waiters.length === 0) return;
    // That round may have read the log before what is waited for was in it.
    if (overtaken + 1 < MOST_OVERTAKEN) this.#wait(bucket, { from: undefined, waiters, overtaken: overtaken + 1 });
    else for (const done of waiters) done(false);
  }

  #failed(bucket: number, taken: ReadonlyMap<number, Waiting>): void {
    this.#options.onRound?.('failed', 0);
    for (const done of taken.get(bucket)?.waiters ?? []) done(false);
  }

  #giveUp(waiting: ReadonlyMap<number, Waiting>): void {
    for (const { waiters } of waiting.values()) for (const done of waiters) done(false);
  }
}

function lackingIn(
  asked: readonly { readonly bucket: number }[],
  readings: readonly { readonly bucket: number }[],
): readonly number[] {
  const read = new Set(readings.map(({ bucket }) => bucket));
  return asked.flatMap(({ bucket }) => (read.has(bucket) ? [] : bucket));
}

const laneOf = (waiting: Waiting | undefined): Lane => (waiting?.waiters.length ? 'hurried' : 'due');

const all = async (one: Promise<boolean>): Promise<readonly boolean[]> => [await one];
