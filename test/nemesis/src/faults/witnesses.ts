/** A witness that forgets: wiped, or set back to an old copy. Each is repaired before the next is touched. */
import { repairRanges, restoreRanges } from '../lakh-tool.js';
import { MARIADB, SHORTEN, type System, ZOOKEEPER } from '../system.js';
import { comesTrue } from '../until.js';
import { type FaultContext, last, type MakeFault } from './fault.js';

/** Ranges leased between a copy and its return: what the copy does not know. */
const RANGES_SINCE = 4;
/** Servers need a new range every second or two, and notice then. */
const NOTICED_WITHIN_MS = 20_000;

export const wipeZookeeper: MakeFault = async (context) => {
  const { system, id } = context;
  await system.kill(...ZOOKEEPER);
  system.replaceData(ZOOKEEPER, `before-${id}`);
  await system.start(...ZOOKEEPER);
  return repaired(context, 'zookeeper', 'mark_missing');
};

export const restoreZookeeper: MakeFault = async (context) => {
  const { system, id, rangeSize } = context;
  const copy = `copy-${id}`;
  await copied(system, ZOOKEEPER, copy);
  await system.untilLeased(RANGES_SINCE, rangeSize);
  await system.kill(...ZOOKEEPER);
  system.replaceData(ZOOKEEPER, `before-${id}`, copy);
  await system.start(...ZOOKEEPER);
  return repaired(context, 'zookeeper', 'zookeeper_forgot');
};

export const restoreMariadb: MakeFault = async (context) => {
  const { system, id, rangeSize } = context;
  const { history } = system;
  const copy = `copy-${id}`;
  const noted = notedIn(history, copy);
  await noted('copied', () => copied(system, [MARIADB], copy));
  await system.untilLeased(RANGES_SINCE, rangeSize);
  await noted('restored', async () => {
    await system.kill(MARIADB);
    system.replaceData([MARIADB], `before-${id}`, copy);
    await system.start(MARIADB);
  });
  return repaired(context, 'mariadb', 'ledger_forgot');
};

/** The copies agree or not, by which was made first; what was leased since neither knows, and only the operator can tell. */
export const restoreBoth: MakeFault = async ({ system, id, rangeSize, random }) => {
  const { history } = system;
  const copy = `copy-${id}`;
  const noted = notedIn(history, copy);
  const copies = [
    () => copied(system, ZOOKEEPER, copy),
    () => noted('copied', () => copied(system, [MARIADB], copy)),
  ] as const;
  const isZookeeperFirst = random.next() < 0.5;
  const [first, second] = isZookeeperFirst ? copies : ([copies[1], copies[0]] as const);
  await first();
  await system.untilLeased(RANGES_SINCE, rangeSize);
  await second();
  await system.untilLeased(RANGES_SINCE, rangeSize);
  let how = '';
  await noted('restored', async () => {
    await system.kill(...SHORTEN, ...ZOOKEEPER, MARIADB);
    system.replaceData([...ZOOKEEPER, MARIADB], `before-${id}`, copy);
    await system.start(...ZOOKEEPER, MARIADB);
    how = await restoreRanges(system);
    history.add({ type: 'repair', witness: 'both', how, atMs: history.nowMs() });
    await system.start(...SHORTEN);
  });
  return `${isZookeeperFirst ? 'ZooKeeper' : 'MariaDB'} copied first, ${how}`;
};

type Noted = (did: 'copied' | 'restored', work: () => Promise<void>) => Promise<void>;

/** Tells the checker when a copy of the database was made, and put back. */
function notedIn(history: System['history'], copy: string): Noted {
  return async (did, work) => {
    const beganMs = history.nowMs();
    await work();
    history.add({ type: 'database', did, copy, beganMs, endedMs: history.nowMs() });
  };
}

/** Of a moment at which none of them runs. */
async function copied(system: System, names: readonly string[], copy: string): Promise<void> {
  await system.stop(...names);
  system.copyData(names, copy);
  await system.start(...names);
}

/** Waits until a server refuses to lease, lets that last, and repairs. */
async function repaired(
  context: FaultContext,
  witness: 'zookeeper' | 'mariadb',
  refusal: 'mark_missing' | 'zookeeper_forgot' | 'ledger_forgot',
): Promise<string> {
  const { system } = context;
  const { history, signal } = system;
  const wasSeen = await comesTrue(() => isReported(system, refusal), NOTICED_WITHIN_MS, signal);
  const ms = await last(context, 200, 2_000);
  const how = await repairRanges(system);
  history.add({ type: 'repair', witness, how, atMs: history.nowMs(), ...(wasSeen ? { refusal } : {}) });
  return `${wasSeen ? refusal : 'nobody refused'}, repaired ${ms} ms later`;
}

/** Whether any shorten server says now that it refuses to lease for this reason. */
async function isReported(system: System, refusal: string): Promise<boolean> {
  for (const name of SHORTEN) {
    if ((await system.readiness(name))?.checks.ids?.detail?.includes(refusal)) return true;
  }
  return false;
}
