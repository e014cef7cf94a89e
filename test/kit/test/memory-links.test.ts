import { describeFactStore } from '../src/facts/fact-store-conformance.js';
import { MemoryFactStore } from '../src/facts/memory-fact-store.js';
import { describeBusyCodes } from '../src/links/busy-codes-conformance.js';
import { describeChangeLog } from '../src/links/change-log-conformance.js';
import { describeKeyedCreates } from '../src/links/keyed-creates-conformance.js';
import { describeLinkCopy } from '../src/links/link-copy-conformance.js';
import { describeLinkStore } from '../src/links/link-store-conformance.js';
import { MemoryBusyCodes } from '../src/links/memory-busy-codes.js';
import { MemoryLinkCopy } from '../src/links/memory-link-copy.js';
import { MemoryLinkStore } from '../src/links/memory-link-store.js';
import { MemoryReservationStore } from '../src/links/memory-reservation-store.js';
import { describeReservationStore } from '../src/links/reservation-store-conformance.js';

describeLinkStore('memory', async () => {
  const store = new MemoryLinkStore();
  return { store, another: async () => new MemoryLinkStore(store), dispose: async () => {} };
});
describeChangeLog('memory', async () => {
  const clock = { nowMs: 1_790_000_000_000 };
  const store = new MemoryLinkStore(undefined, { clock: { nowMs: () => clock.nowMs } });
  const backup = async () => {
    const restore = store.copy();
    return async () => restore();
  };
  return {
    store,
    log: store.log,
    clock,
    another: async () => new MemoryLinkStore(store),
    backup,
    dispose: async () => {},
  };
});
describeReservationStore('memory', async () => {
  const store = new MemoryReservationStore();
  return { store, another: async () => new MemoryReservationStore(store), dispose: async () => {} };
});
describeKeyedCreates(
  'memory',
  async () => ({ links: new MemoryLinkStore(), reservations: new MemoryReservationStore(), dispose: async () => {} }),
  1_000,
);
describeBusyCodes('memory', async () => {
  const codes = new MemoryBusyCodes();
  return { codes, others: codes };
});

describeLinkCopy('memory', async () => ({ copy: new MemoryLinkCopy(), dispose: async () => {} }));
describeFactStore('memory', async () => ({ facts: new MemoryFactStore(), dispose: async () => {} }));
