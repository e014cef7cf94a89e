/** Carrying out a plan: one conditional write after the other, and a new look whenever somebody else was first. */
import { type LedgerRow, MAX_ROWS_ADDED, UnknownOutcomeError } from '@lakh/id-range';
import { RepairContentionError } from './errors.js';
import { findingsOf, hasProblems } from './findings.js';
import { type PlanOptions, planRepair, type RepairPlan, type RepairStep } from './plan.js';
import type { OperationsPorts } from './ports.js';
import { readWitnesses, type Witnesses } from './witnesses.js';

export interface RepairReport {
  /** Whether `steps` were carried out, or would have been. */
  readonly applied: boolean;
  /** The first counter that servers will lease afterwards. */
  readonly next: number;
  /** In their order. Empty: there is nothing to do. */
  readonly steps: readonly RepairStep[];
}

/** A look at everything, and writes, may meet others' writes this often. */
const MAX_ROUNDS = 20;
/** See {@link repair}. */
const WAITS = 2;
/** What a cover row is called in place of a server's id. */
const COVERED_BY = 'lakh';

/**
 * Says what a repair would do or, with `apply`, does it and waits until it is certain to be enough; harmless when several do it at once,
 * and again when there is nothing left. Rejects as {@link planRepair} and the ports; what was done until then is safe.
 *
 * What makes servers refuse is repaired at once, and they lease again. But an attempt from before the loss may go on with one
 * acknowledgement in hand, and take what another is given as soon as the other witness is lost too. So the repair waits until
 * every such attempt is over or too old, sees to what they left, and waits once more for those that began beside them. The model
 * (packages/id-range/model) says that both waits are needed, and that they are enough.
 */
export async function repair(ports: OperationsPorts, { apply }: { readonly apply: boolean }): Promise<RepairReport> {
  const first = await readWitnesses(ports);
  const plan = planRepair(first);
  if (!apply) return { applied: false, next: plan.next, steps: plan.steps };
  // Of a system whose servers lease at this moment, a hole may be a lease on its way: those are covered after a wait.
  const done: RepairStep[] = isLive(first) ? [] : [...(await carryOutAll(ports, first, {})).steps];
  let next = plan.next;
  let before = isLive(first) ? first : await readWitnesses(ports);
  for (let wait = 1; wait <= WAITS; wait += 1) {
    await ports.pause(ports.settleMs);
    const now = await readWitnesses(ports);
    const report = await carryOutAll(ports, now, { since: isLive(now) ? before : undefined });
    done.push(...report.steps);
    next = report.next;
    before = now;
  }
  return { applied: true, next, steps: done };
}

/**
 * The same in one go, for when no server runs: what is known is raised, and `options` say above what. Attempts from before need no
 * wait where everything below the new mark is covered.
 */
export async function raise(
  ports: OperationsPorts,
  { apply, ...options }: PlanOptions & { readonly apply: boolean },
): Promise<RepairReport> {
  const witnesses = await readWitnesses(ports);
  if (apply) return carryOutAll(ports, witnesses, { options });
  const { next, steps } = planRepair(witnesses, options);
  return { applied: false, next, steps };
}

/** Plans and carries out until a look finds nothing. With `since`, holes and lost remainders that it did not have are left alone. */
async function carryOutAll(
  ports: OperationsPorts,
  first: Witnesses,
  { options = {}, since }: { readonly options?: PlanOptions; readonly since?: Witnesses | undefined },
): Promise<RepairReport> {
  const settled = (now: Witnesses): Witnesses => (since === undefined ? now : settledSince(since, now));
  let witnesses = settled(first);
  let plan = planRepair(witnesses, options);
  const done: RepairStep[] = [];
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    if (plan.steps.length === 0) return { applied: true, next: plan.next, steps: done };
    await carryOut(ports, witnesses, plan, done);
    witnesses = settled(await readWitnesses(ports));
    // A skip counts from what was known at first, and what this repair has written since is no reason for another.
    const { distrustRemainders = false, newAs } = options;
    plan = planRepair(witnesses, { atLeast: plan.next, distrustRemainders, newAs });
  }
  throw new RepairContentionError(MAX_ROUNDS);
}

/** Nothing keeps servers from leasing. */
function isLive(witnesses: Witnesses): boolean {
  return !hasProblems(findingsOf(witnesses)) && witnesses.mark.mark !== 'missing';
}

/** `now` without the holes, or parts of them, and the lost remainders that an earlier look did not have. */
function settledSince(earlier: Witnesses, now: Witnesses): Witnesses {
  const holes = now.rows.holes.flatMap((hole) =>
    earlier.rows.holes
      .map(({ start, end }) => ({ start: Math.max(start, hole.start), end: Math.min(end, hole.end) }))
      .filter(({ start, end }) => start < end),
  );
  const orphans = now.remainders.orphans.filter(({ range }) =>
    earlier.remainders.orphans.some((row) => row.range.start === range.start && row.range.end === range.end),
  );
  return { ...now, rows: { ...now.rows, holes }, remainders: { ...now.remainders, orphans } };
}

/** Until the first write that met another's; what was written is appended to `done`. */
async function carryOut(
  ports: OperationsPorts,
  witnesses: Witnesses,
  { steps }: RepairPlan,
  done: RepairStep[],
): Promise<void> {
  try {
    for (let i = 0; i < steps.length; ) {
      const batch = coversFrom(steps, i);
      const taken = batch.length > 0 ? batch : [steps[i] as RepairStep];
      const outcome =
        batch.length > 0
          ? await ports.ledger.add(batch.map((step) => coverRow(ports, step)))
          : await write(ports, witnesses, steps[i] as RepairStep);
      if (outcome === 'stale' || outcome === 'overlap') return;
      done.push(...taken);
      i += taken.length;
    }
  } catch (error) {
    // It may have been applied: the next look tells.
    if (!(error instanceof UnknownOutcomeError)) throw error;
  }
}

type CoverStep = Extract<RepairStep, { step: 'cover' }>;

/** The covers that stand together from `i` on, as many as one transaction takes. */
function coversFrom(steps: readonly RepairStep[], i: number): CoverStep[] {
  const covers: CoverStep[] = [];
  for (const step of steps.slice(i, i + MAX_ROWS_ADDED)) {
    if (step.step !== 'cover') break;
    covers.push(step);
  }
  return covers;
}

async function write(ports: OperationsPorts, witnesses: Witnesses, step: RepairStep): Promise<'done' | 'stale'> {
  switch (step.step) {
    case 'put-head':
      return (await ports.ledger.putHead(witnesses.head, step.to, step.clusterId)) === 'written' ? 'done' : 'stale';
    case 'put-mark':
      return (await ports.marks.put(witnesses.mark.version, step.to, step.clusterId)) === 'written' ? 'done' : 'stale';
    case 'retire':
      return (await ports.ledger.retire(step.row.range)) === 'retired' ? 'done' : 'stale';
    case 'remove-entry':
      return (await ports.remainders.claim(step.remainder)) === 'claimed' ? 'done' : 'stale';
    case 'cover':
      throw new Error('rows are added together');
  }
}

function coverRow({ operator, nowMs }: OperationsPorts, { range, state }: CoverStep): LedgerRow {
  return {
    range,
    holder: { ...operator, serverId: COVERED_BY },
    leasedAtMs: nowMs(),
    witnessVersion: 0,
    state,
  };
}
