import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeFactStore,
  describeKeyedCreates,
  describeLedger,
  describeLedgerRemainders,
  describeLinkStore,
  describeMarkStore,
  describeRemainderStore,
  describeReservationStore,
  type LedgerHarness,
  SampleLinks,
} from '@lakh/testkit';
import Database from 'libsql';
import { type Embedded, openEmbedded } from '../src/index.js';

interface Opened {
  readonly embedded: Embedded;
  readonly file: string;
  dispose(): Promise<void>;
}

function open(): Opened {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-embedded-'));
  const file = join(dir, 'lakh.db');
  const embedded = openEmbedded({ file });
  const dispose = async () => {
    embedded.close();
    rmSync(dir, { recursive: true });
  };
  return { embedded, file, dispose };
}

describeMarkStore('embedded', async () => {
  const { embedded, dispose } = open();
  return { store: embedded.markStore('links'), another: async () => embedded.markStore('links'), dispose };
});

async function openLedger(): Promise<LedgerHarness> {
  const opened = open();
  let embedded = opened.embedded;
  const ledger = embedded.ledger('links');
  return {
    // Through the present opening: dropHead has to close the file in between.
    ledger: {
      head: () => embedded.ledger('links').head(),
      record: (lease) => embedded.ledger('links').record(lease),
      create: (head, clusterId) => embedded.ledger('links').create(head, clusterId),
      release: (tail, holder, atMs) => embedded.ledger('links').release(tail, holder, atMs),
      claim: (range, holder, atMs) => embedded.ledger('links').claim(range, holder, atMs),
    } satisfies typeof ledger,
    another: async () => embedded.ledger('links'),
    addGeneratedLink: async () => {
      await embedded.links.insert(new SampleLinks().generated({ code: 'Q0u', counter: 100_000 }));
    },
    dropHead: async () => {
      embedded.close();
      const db = new Database(opened.file);
      db.exec("DELETE FROM ledger_heads WHERE namespace = 'links'");
      db.close();
      embedded = openEmbedded({ file: opened.file });
    },
    dispose: async () => {
      embedded.close();
      await opened.dispose();
    },
  };
}

describeLedger('embedded', openLedger);
describeLedgerRemainders('embedded', openLedger);

describeRemainderStore('embedded', async () => {
  const { embedded, dispose } = open();
  return { store: embedded.remainderStore('links'), another: async () => embedded.remainderStore('links'), dispose };
});

describeLinkStore('embedded', async () => {
  const opened = open();
  let { embedded } = opened;
  return {
    // Through the present opening: only one process at a time has the file.
    store: {
      insert: (link) => embedded.links.insert(link),
      find: (domainId, code) => embedded.links.find(domainId, code),
      read: (domainId, code) => embedded.links.read(domainId, code),
      sight: (domainId, code) => embedded.links.sight(domainId, code),
      edit: (...edit) => embedded.links.edit(...edit),
      click: (...click) => embedded.links.click(...click),
      forgetReceipts: (beforeMs, limit) => embedded.links.forgetReceipts(beforeMs, limit),
      remove: (...remove) => embedded.links.remove(...remove),
      get deleted() {
        return embedded.links.deleted;
      },
    },
    another: async () => {
      embedded.close();
      embedded = openEmbedded({ file: opened.file });
      return embedded.links;
    },
    dispose: async () => {
      embedded.close();
      await opened.dispose();
    },
  };
});

describeReservationStore('embedded', async () => {
  const opened = open();
  let { embedded } = opened;
  return {
    store: {
      find: (keyHash) => embedded.reservations.find(keyHash),
      reserve: (...reserve) => embedded.reservations.reserve(...reserve),
      forget: (beforeMs, limit) => embedded.reservations.forget(beforeMs, limit),
    },
    another: async () => {
      embedded.close();
      embedded = openEmbedded({ file: opened.file });
      return embedded.reservations;
    },
    dispose: async () => {
      embedded.close();
      await opened.dispose();
    },
  };
});

describeKeyedCreates(
  'embedded',
  async () => {
    const { embedded, dispose } = open();
    return { links: embedded.links, reservations: embedded.reservations, dispose };
  },
  200,
);

describeFactStore('embedded', async () => {
  const { embedded, dispose } = open();
  return { facts: embedded.facts, dispose };
});
