/** Workers of a server of several processes: killed, frozen, renewed. */
import { type System, WITH_WORKERS } from '../system.js';
import { type FaultContext, last, type MakeFault } from './fault.js';

const killWorker: MakeFault = async ({ random, system }) => {
  const worker = await pickWorker(system, random);
  process.kill(worker, 'SIGKILL');
  return `${WITH_WORKERS}, process ${worker}`;
};

const killSupervisor: MakeFault = async ({ system }) => {
  await system.workersOf(WITH_WORKERS);
  await system.killAlone(WITH_WORKERS);
  await system.start(WITH_WORKERS);
  return WITH_WORKERS;
};

const freezeWorker: MakeFault = async (context) => {
  const worker = await pickWorker(context.system, context.random);
  process.kill(worker, 'SIGSTOP');
  try {
    return `${WITH_WORKERS}, process ${worker} for ${await last(context, 500, 4_000)} ms`;
  } finally {
    process.kill(worker, 'SIGCONT');
  }
};

const renewWorkers: MakeFault = async ({ random, system }) => {
  const old = await system.workersOf(WITH_WORKERS);
  await system.stack.kill(WITH_WORKERS, 'SIGUSR2');
  // Now and then one of them is killed meanwhile.
  const killed = random.next() < 0.5 ? random.pick(old) : undefined;
  if (killed !== undefined) process.kill(killed, 'SIGKILL');
  await system.until(
    async () => !(await system.workersOf(WITH_WORKERS)).some((pid) => old.includes(pid)),
    `the workers of ${WITH_WORKERS} are renewed`,
  );
  return `${WITH_WORKERS}${killed === undefined ? '' : `, process ${killed} killed meanwhile`}`;
};

async function pickWorker(system: System, random: FaultContext['random']): Promise<number> {
  return random.pick(await system.workersOf(WITH_WORKERS));
}

export const workerFaults = {
  'kill-worker': killWorker,
  'kill-supervisor': killSupervisor,
  'freeze-worker': freezeWorker,
  'renew-workers': renewWorkers,
};
