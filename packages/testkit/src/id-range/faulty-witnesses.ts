import {
  type Clock,
  type Ledger,
  type MarkStore,
  type Randomness,
  type RemainderStore,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';

/** What may happen to one call. The `unknown…` ones happen to writes only. */
export type WitnessFault =
  | 'none'
  /** Takes up to {@link SLOW_MS}, before and after it is applied: a pause, or a network that stalls. */
  | 'slow'
  | 'unavailable'
  | 'unknown, applied'
  | 'unknown, not applied'
  /** The caller is told that the outcome is unknown, and the write arrives after that. */
  | 'unknown, applied later'
  /** A conditional write meets somebody else's, though nobody wrote. */
  | 'stale';

/** Decides the fault of each call, and counts what happened. */
export interface WitnessFaults {
  readonly clock: Clock;
  readonly random: Randomness;
  draw(call: string, write: boolean): WitnessFault;
}

/** A normal call takes up to this much each way, a slow one up to the second. */
const NORMAL_MS = 3;
const SLOW_MS = 20_000;

/** `inner` with faults: what a client at the end of a bad network sees of it. */
export function faultyMarkStore(inner: MarkStore, faults: WitnessFaults): MarkStore {
  return {
    read: (options) => withFault(faults, 'mark.read', false, () => inner.read(options)),
    write: (version, mark) =>
      withFault(
        faults,
        'mark.write',
        true,
        () => inner.write(version, mark),
        () => ({ outcome: 'stale' }),
      ),
    create: (mark, clusterId) => withFault(faults, 'mark.create', true, () => inner.create(mark, clusterId)),
  };
}

/** As {@link faultyMarkStore}, for the ledger. */
export function faultyLedger(inner: Ledger, faults: WitnessFaults): Ledger {
  return {
    head: () => withFault(faults, 'ledger.head', false, () => inner.head()),
    record: (lease) => withFault(faults, 'ledger.record', true, () => inner.record(lease)),
    create: (head, clusterId) => withFault(faults, 'ledger.create', true, () => inner.create(head, clusterId)),
    release: (tail, holder, atMs) => withFault(faults, 'ledger.release', true, () => inner.release(tail, holder, atMs)),
    claim: (range, holder, atMs) => withFault(faults, 'ledger.claim', true, () => inner.claim(range, holder, atMs)),
  };
}

/** As {@link faultyMarkStore}, for remainders. */
export function faultyRemainderStore(inner: RemainderStore, faults: WitnessFaults): RemainderStore {
  return {
    list: (limit) => withFault(faults, 'remainder.list', false, () => inner.list(limit)),
    publish: (range) => withFault(faults, 'remainder.publish', true, () => inner.publish(range)),
    claim: (remainder) =>
      withFault(
        faults,
        'remainder.claim',
        true,
        () => inner.claim(remainder),
        () => 'gone',
      ),
  };
}

async function withFault<T>(
  faults: WitnessFaults,
  call: string,
  write: boolean,
  apply: () => Promise<T>,
  stale?: () => T,
): Promise<T> {
  const { clock, random } = faults;
  const fault = faults.draw(call, write);
  const pause = () => sleep(clock, random() * (fault === 'slow' ? SLOW_MS : NORMAL_MS));
  await pause();
  if (fault === 'unavailable') throw new WitnessUnavailableError(`${call}: simulated`);
  if (fault === 'stale' && stale) return stale();
  if (write && fault.startsWith('unknown')) {
    if (fault === 'unknown, applied') await apply();
    // Whatever it answers, nobody hears it.
    if (fault === 'unknown, applied later') clock.schedule(random() * SLOW_MS, () => void apply().catch(() => {}));
    await pause();
    throw new UnknownOutcomeError(`${call}: simulated, ${fault}`);
  }
  const answer = await apply();
  await pause();
  return answer;
}

function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}
