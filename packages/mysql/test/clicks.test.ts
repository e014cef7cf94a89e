import { setImmediate as nextTurn } from 'node:timers/promises';
import { createMysqlLinkStore } from '../src/index.js';
import type { PrimaryPool } from '../src/wire/primary-pool.js';

/** Clicks at once, and those that wait for their turn. */
const AT_ONCE = 4;
const QUEUED = 1_000;

/** A server whose rows are locked by somebody until they are let go. */
function lockedPool() {
  const held: (() => void)[] = [];
  const run: PrimaryPool['run'] = async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return true as never;
  };
  const pool: PrimaryPool = {
    ...{ name: 'a server', deadlineMs: 2_000, available: true, unavailableReason: '', writeRefusal: '' },
    ...{ run, read: run, transaction: run, proveWritable: async () => {} },
  };
  return { pool, held };
}

test('clicks have a part of the connections, however many come at once, and are refused beyond what waits', async () => {
  const { pool, held } = lockedPool();
  const store = createMysqlLinkStore({ pool, clock: { nowMs: Date.now } });
  const click = () => store.click({ domainId: 0, code: 'hot', version: 1 }, 9, true);
  const clicks = Array.from({ length: AT_ONCE + QUEUED }, click);
  await expect(click()).rejects.toMatchObject({ code: 'store_unavailable', isBusy: true });
  await nextTurn();
  expect(held).toHaveLength(AT_ONCE);
  let most = 0;
  while (held.length > 0) {
    most = Math.max(most, held.length);
    held.shift()?.();
    await nextTurn();
  }
  expect(most).toBe(AT_ONCE);
  expect(new Set(await Promise.all(clicks))).toEqual(new Set(['counted']));
});

test('a click whose turn does not come in a second is refused', async () => {
  const { pool, held } = lockedPool();
  const store = createMysqlLinkStore({ pool, clock: { nowMs: Date.now } });
  const click = () => store.click({ domainId: 0, code: 'hot', version: 1 }, 9, true);
  const clicks = Array.from({ length: AT_ONCE }, click);
  await expect(click()).rejects.toMatchObject({ isBusy: true });
  for (const letGo of held) letGo();
  await Promise.all(clicks);
});
