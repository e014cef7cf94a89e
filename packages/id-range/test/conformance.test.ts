import { CORRUPT_MARK_TEXTS, describeLedger, describeMarkStore, MemoryLedger, MemoryMarkNode } from '@lakh/testkit';

describeMarkStore(
  'memory',
  async () => {
    const node = new MemoryMarkNode();
    return {
      store: node.client(),
      another: async () => node.client(),
      corrupt: async (text) => node.corrupt(text),
      dispose: async () => {},
    };
  },
  { corruptTexts: CORRUPT_MARK_TEXTS },
);

describeLedger('memory', async () => {
  const ledger = new MemoryLedger();
  return {
    ledger: ledger.client(),
    another: async () => ledger.client(),
    addGeneratedLink: async () => ledger.addGeneratedLink(),
    dropHead: async () => ledger.dropHead(),
    dispose: async () => {},
  };
});
