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
/** What a cover row is called in place of a server's id. */
const COVERED_BY = 'lakh';

/**
 * Says what a repair would do or, with `apply`, does it; harmless when several do it at once, and again when there is nothing left.
 * Rejects as {@link planRepair} and the ports; what was done until then is safe.
 */
export async function repair(
  ports: OperationsPorts,
  { apply, ...options }: PlanOptions & { readonly apply: boolean },
): Promise<RepairReport> {
  let witnesses = await readWitnesses(ports);
  let plan = planRepair(witnesses, options);
  if (!apply || plan.steps.length === 0) return { applied: apply, next: plan.next, steps: plan.steps };
  const onlyTidiesUp = isLive(witnesses) && plan.steps.every(({ step }) => step === 'cover' || step === 'retire');
  if (onlyTidiesUp) {
    // Servers lease at this moment: what is a hole only because a lease is on its way is none a little later.
    await ports.pause(ports.settleMs);
    witnesses = settledSince(witnesses, await readWitnesses(ports));
    plan = planRepair(witnesses, options);
  }
  const done: RepairStep[] = [];
  const settled = onlyTidiesUp ? witnesses : undefined;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    if (plan.steps.length === 0) return { applied: true, next: plan.next, steps: done };
    await carryOut(ports, witnesses, plan, done);
    witnesses = await readWitnesses(ports);
    if (settled !== undefined) witnesses = settledSince(settled, witnesses);
    // A skip counts from what was known at first, and what this repair has written since is no reason for another.
    plan = planRepair(witnesses, { atLeast: plan.next, distrustRemainders: options.distrustRemainders ?? false });
  }
  throw new RepairContentionError(MAX_ROUNDS);
}

/** Nothing keeps servers from leasing. */
function isLive(witnesses: Witnesses): boolean {
  return !hasProblems(findingsOf(witnesses)) && witnesses.mark.mark !== 'missing';
}

/** `now` without the holes and lost remainders that an earlier look did not have. */
function settledSince(earlier: Witnesses, now: Witnesses): Witnesses {
  const holes = now.rows.holes.filter((hole) =>
    earlier.rows.holes.some(({ start, end }) => start <= hole.start && hole.end <= end),
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
