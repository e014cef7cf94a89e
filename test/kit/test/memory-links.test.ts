import { describeFactStore } from '../src/facts/fact-store-conformance.js';
import { MemoryFactStore } from '../src/facts/memory-fact-store.js';
import { describeLinkCache } from '../src/links/link-cache-conformance.js';
import { describeLinkStore } from '../src/links/link-store-conformance.js';
import { MemoryLinkCache } from '../src/links/memory-link-cache.js';
import { MemoryLinkStore } from '../src/links/memory-link-store.js';

describeLinkStore('memory', async () => {
  const store = new MemoryLinkStore();
  return { store, another: async () => new MemoryLinkStore(store), dispose: async () => {} };
});
describeLinkCache('memory', async () => ({ cache: new MemoryLinkCache(), dispose: async () => {} }));
describeFactStore('memory', async () => ({ facts: new MemoryFactStore(), dispose: async () => {} }));
