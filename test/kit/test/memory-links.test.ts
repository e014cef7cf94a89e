import { describeLinkCache } from '../src/links/link-cache-conformance.js';
import { describeLinkStore } from '../src/links/link-store-conformance.js';
import { MemoryLinkCache } from '../src/links/memory-link-cache.js';
import { MemoryLinkStore } from '../src/links/memory-link-store.js';
import { MemorySettingsStore } from '../src/links/memory-settings-store.js';
import { describeSettingsStore } from '../src/links/settings-store-conformance.js';

describeLinkStore('memory', async () => {
  const store = new MemoryLinkStore();
  return { store, another: async () => new MemoryLinkStore(store), dispose: async () => {} };
});
describeLinkCache('memory', async () => ({ cache: new MemoryLinkCache(), dispose: async () => {} }));
describeSettingsStore('memory', async () => ({ settings: new MemorySettingsStore(), dispose: async () => {} }));
