/** What happens between the servers: bytes that are lost or late. */

import { SHORTEN } from '../system.js';
import { comesTrue } from '../until.js';
import type { Wired } from '../wires.js';
import { last, type MakeFault } from './fault.js';
import { untilRegistered } from './processes.js';

/** Times that one fault cuts the wire, each at a byte of its own. */
const CUTS = 4;
/** Answers to a lease or an insert have some tens of bytes. */
const MAX_BYTE = 120;
const CUT_WITHIN_MS = 2_000;

/**
 * Every connection to `wired` is reset at a byte of an answer (sometimes of a request): the server has applied what it was asked, or
 * has half of it, and nobody heard.
 */
export function cut(wired: Wired): MakeFault {
  return async (context) => {
    const { random, system } = context;
    const cuts: string[] = [];
    const proxies = system.wires.of(wired);
    for (let i = 0; i < CUTS; i += 1) {
      const direction = random.next() < 0.8 ? 'answers' : 'requests';
      const afterBytes = random.between(0, MAX_BYTE);
      const open = proxies.reduce((sum, proxy) => sum + proxy.connections, 0);
      for (const proxy of proxies) proxy.set({ kind: 'cut', direction, afterBytes });
      const isCut = (): boolean => proxies.reduce((sum, proxy) => sum + proxy.connections, 0) < Math.max(1, open / 2);
      await comesTrue(isCut, CUT_WITHIN_MS, system.signal);
      for (const proxy of proxies) proxy.set({ kind: 'pass' });
      cuts.push(`${direction} at ${afterBytes}`);
      // Long enough for some leases and inserts, so that the next cut has something to hit.
      await last(context, 200, 800);
    }
    return cuts.join(', ');
  };
}

/** Nothing moves between the servers and ZooKeeper until it has given all of them up; then everything arrives, late. */
export const expireSessions: MakeFault = async ({ system }) => {
  const proxies = system.wires.of('zookeeper');
  await untilRegistered(system);
  const running = SHORTEN.filter((name) => system.stack.running().some((process) => process.name === name));
  for (const proxy of proxies) proxy.set({ kind: 'freeze' });
  try {
    await system.untilExpired(...running);
  } finally {
    for (const proxy of proxies) proxy.set({ kind: 'pass' });
  }
  return running.join(', ');
};
