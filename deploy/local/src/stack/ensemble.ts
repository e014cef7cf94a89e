import { closeToStrangers, createZookeeperSession, parseZookeeperAddress } from '@lakh/zookeeper';
import { StartFailedError } from '../errors.js';
import { type StackContext, zookeeperAddress, zookeeperAuth } from './plans.js';
import type { StackState } from './state.js';

const CONNECT_DEADLINE_MS = 10_000;

/** Takes the rights to an ensemble that has just started from everybody else on this machine. */
export async function closeEnsemble(context: StackContext, state: StackState): Promise<void> {
  const { servers } = parseZookeeperAddress(zookeeperAddress(state));
  const session = createZookeeperSession({
    servers,
    chroot: '',
    auth: { scheme: 'digest', credential: zookeeperAuth(context) },
  });
  try {
    await session.whenConnected(CONNECT_DEADLINE_MS);
    await closeToStrangers(session);
  } catch (error) {
    throw new StartFailedError(`ZooKeeper could not be closed to others: ${(error as Error).message}`);
  } finally {
    await session.close();
  }
}
