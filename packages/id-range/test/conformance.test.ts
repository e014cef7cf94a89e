import {
  CORRUPT_MARK_TEXTS,
  describeLedger,
  describeLedgerRemainders,
  describeMarkStore,
  describeRemainderStore,
  type LedgerHarness,
  MemoryLedger,
  MemoryMarkNode,
} from '@lakh/testkit';

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

async function openLedger(): Promise<LedgerHarness> {
  const ledger = new MemoryLedger();
  return {
    ledger: ledger.client(),
    another: async () => ledger.client(),
    addGeneratedLink: async () => ledger.addGeneratedLink(),
    dropHead: async () => ledger.dropHead(),
    dispose: async () => {},
  };
}

describeLedger('memory', openLedger);
describeLedgerRemainders('memory', openLedger);

describeRemainderStore('memory', async () => {
  const node = new MemoryMarkNode();
  return {
    store: node.remainders(),
    another: async () => node.remainders(),
    addName: async (name) => node.addReleased(name),
    dispose: async () => {},
  };
});
