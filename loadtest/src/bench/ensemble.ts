/** What the nodes of an ensemble say of themselves. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalServer, type ZookeeperFacts, zookeeperFacts } from '@lakh/local';

const WHOLE_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 50;
const EPOCH_BITS = 32n;

/** Every node's facts, the leader's index among them, once all nodes serve and one leads. */
export async function wholeEnsemble(
  nodes: readonly LocalServer[],
): Promise<{ readonly facts: readonly ZookeeperFacts[]; readonly leader: number }> {
  const deadline = performance.now() + WHOLE_LIMIT_MS;
  for (;;) {
    const answers = await Promise.all(nodes.map(({ plan }) => zookeeperFacts(plan.port)));
    const facts = answers.filter((answer) => answer !== undefined);
    const leader = facts.findIndex(({ mode }) => mode === 'leader');
    if (facts.length === nodes.length && leader >= 0) return { facts, leader };
    if (performance.now() > deadline) throw new Error(`the ensemble is not whole within ${WHOLE_LIMIT_MS} ms`);
    await sleep(LOOK_EVERY_MS);
  }
}

export interface EnsembleCounts {
  readonly zxid: bigint;
  /** Packets that all nodes together have had from clients. */
  readonly received: number;
}

export async function countsOf(nodes: readonly LocalServer[]): Promise<EnsembleCounts> {
  const { facts, leader } = await wholeEnsemble(nodes);
  return {
    zxid: (facts[leader] as ZookeeperFacts).zxid,
    received: facts.reduce((sum, { received }) => sum + received, 0),
  };
}

/** Transactions that the leader ordered between the two; throws where it was not the same reign. */
export function transactionsBetween(before: EnsembleCounts, after: EnsembleCounts): number {
  if (before.zxid >> EPOCH_BITS !== after.zxid >> EPOCH_BITS) throw new Error('the leader changed meanwhile');
  return Number(after.zxid - before.zxid);
}

/** The settings of a node that decide how soon a dead leader is missed, as its own configuration has them. */
export async function timingOf(node: LocalServer): Promise<string> {
  const lines = (await readFile(join(node.plan.dir, 'zoo.cfg'), 'utf8')).split('\n');
  return lines.filter((line) => /^(tickTime|initLimit|syncLimit)=/.test(line)).join(', ');
}
