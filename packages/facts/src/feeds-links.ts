import { type FactStore, NAMESPACE_FACT } from './fact-store.js';

/** Whether the counters of this namespace become the database's links; so they may where nothing is recorded yet. */
export async function feedsLinks(facts: Pick<FactStore, 'read'>, namespace: string): Promise<boolean> {
  const recorded = await facts.read(NAMESPACE_FACT);
  return recorded === undefined || recorded === namespace;
}
