import { FIRST_MARK, LedgerNotEmptyError } from '@lakh/id-range';
import { AlreadyBootstrappedError, RepairContentionError } from './errors.js';
import { findingsOf, hasProblems, readableMark } from './findings.js';
import type { OperationsPorts } from './ports.js';
import { type RepairReport, raise } from './repair.js';
import { readWitnesses } from './witnesses.js';

export interface BootstrapReport {
  /** `already`: both witnesses were there, and nothing was changed. */
  readonly outcome: 'bootstrapped' | 'already' | 'adopted';
  readonly clusterId: string;
  /** The first counter that servers will lease. */
  readonly next: number;
}

const MAX_ROUNDS = 20;

/**
 * The first start by hand: makes both witnesses where neither has anything and no link exists, and finishes one that was
 * interrupted. With `adopt`, links may exist, and the witnesses are made `skip` counters above the highest of them.
 *
 * @throws LedgerNotEmptyError: there are links or leases, and `adopt` was not given
 * @throws AlreadyBootstrappedError: one witness is there, and not as a first start leaves it: repair is what is needed
 */
export async function bootstrap(
  ports: OperationsPorts,
  { adopt, skip }: { readonly adopt: boolean; readonly skip: number },
): Promise<BootstrapReport> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const witnesses = await readWitnesses(ports);
    const { mark, head, rows, highestCounter } = witnesses;
    const now = readableMark(mark.mark);
    if (now !== undefined && head !== 'missing' && !hasProblems(findingsOf(witnesses))) {
      return { outcome: 'already', clusterId: String(head.clusterId), next: now.next };
    }
    const isVirgin = rows.count === 0 && highestCounter === 0;
    if (mark.mark === 'missing' && head === 'missing') {
      if (isVirgin) await ports.ledger.putHead('missing', FIRST_MARK, ports.newClusterId());
      else if (adopt) return adopted(await raise(ports, { apply: true, skip, adoptAs: ports.newClusterId() }));
      else throw new LedgerNotEmptyError();
    } else if (mark.mark === 'missing' && isVirgin && head !== 'missing') {
      const { next, steps } = await raise(ports, { apply: true });
      const put = steps.find((step) => step.step === 'put-mark');
      if (put !== undefined) return { outcome: 'bootstrapped', clusterId: put.clusterId, next };
    } else {
      const [first] = findingsOf(witnesses).filter(({ severity }) => severity === 'problem');
      throw new AlreadyBootstrappedError(
        `this system was started before (${first?.code}: ${first?.message}); look with lakh ranges check, and use lakh ranges repair`,
      );
    }
  }
  throw new RepairContentionError(MAX_ROUNDS);
}

function adopted({ next, steps }: RepairReport): BootstrapReport {
  const put = steps.find((step) => step.step === 'put-mark');
  return { outcome: 'adopted', clusterId: put?.clusterId ?? '', next };
}
