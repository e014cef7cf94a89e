/** When keys were last used: a document of its own, written by servers, while that of the keys is written by people. */
import type { FactStore } from '@lakh/facts';

const KEY_USES_FACT = 'api_key_uses';

/** Servers write once a minute each. */
const ATTEMPTS = 5;

function parse(text: string | undefined): Map<string, number> {
  const uses = new Map<string, number>();
  if (text === undefined) return uses;
  for (const [id, at] of Object.entries(Object(JSON.parse(text)))) {
    if (Number.isSafeInteger(at)) uses.set(id, at as number);
  }
  return uses;
}

/** Unix milliseconds by the keys' ids. */
export async function readUses(facts: Pick<FactStore, 'read'>): Promise<ReadonlyMap<string, number>> {
  return parse(await facts.read(KEY_USES_FACT));
}

/** Adds uses to those that are known, and forgets those of keys that `isKnown` does not know. */
export async function addUses(
  facts: FactStore,
  uses: ReadonlyMap<string, number>,
  isKnown: (id: string) => boolean,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const text = await facts.recordOnce(KEY_USES_FACT, '{}');
    const all = parse(text);
    for (const [id, atMs] of uses) all.set(id, Math.max(atMs, all.get(id) ?? 0));
    const kept = [...all].filter(([id]) => isKnown(id));
    if (await facts.replace(KEY_USES_FACT, text, JSON.stringify(Object.fromEntries(kept)))) return true;
  }
  return false;
}
