import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWitnessAdmins, SampleLinks } from '@lakh/testkit';
import { openEmbedded } from '../src/index.js';

describeWitnessAdmins('one SQLite file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-admin-'));
  const embedded = openEmbedded({ file: join(dir, 'lakh.db') });
  const { marks, ledger, counters } = embedded.admin('links', true);
  return {
    marks,
    markStore: embedded.markStore('links'),
    ledger,
    serverLedger: embedded.ledger('links'),
    counters,
    async addLink(counter) {
      await embedded.links.insert(new SampleLinks().generated({ code: `code${counter}`, counter }));
    },
    async dispose() {
      embedded.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
});
