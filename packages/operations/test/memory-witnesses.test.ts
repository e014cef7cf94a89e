import { describeWitnessAdmins, MemoryWitnesses } from '@lakh/testkit';

describeWitnessAdmins('memory', async () => {
  const witnesses = new MemoryWitnesses();
  return {
    marks: witnesses.marks,
    markStore: witnesses.markStore,
    ledger: witnesses.ledger,
    serverLedger: witnesses.serverLedger,
    counters: witnesses.counters,
    async addLink(counter) {
      witnesses.linkCounters = [...witnesses.linkCounters, counter];
    },
    async dispose() {},
  };
});
