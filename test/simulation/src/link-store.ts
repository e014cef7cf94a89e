import type { InsertOutcome, LinkRecord, LinkStore } from '@lakh/links';
import { insertedNew, insertMet, StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import type { DatabaseEnds } from './database/pool.js';

/** The links of one process: each insert is a message to the database, which its unique key decides. */
export function simulatedLinkStore({ database, network, process }: DatabaseEnds): LinkStore {
  return {
    insert: (link) =>
      new Promise<InsertOutcome>((resolve, reject) => {
        if (network.isAway('the ledger')) {
          reject(new StoreUnavailableError('the database is away'));
          return;
        }
        const fault = network.draw('the ledger', 'link insert', 'write', 'other');
        const answerIn = (run: () => void) => network.deliver(process, run, fault === 'slow answer');
        const { restores } = database;
        network.time.schedule(network.wayMs(fault === 'slow request'), () => {
          if (database.restores !== restores) {
            answerIn(() => reject(new StoreOutcomeUnknownError('the connection broke')));
            return;
          }
          if (fault === 'refused') {
            answerIn(() => reject(new StoreUnavailableError('simulated')));
            return;
          }
          const { code, kind, counter, longUrl } = link;
          const met = fault === 'lost request' ? 'inserted' : database.insertLink({ code, kind, counter, longUrl });
          if (fault.startsWith('lost')) answerIn(() => reject(new StoreOutcomeUnknownError('simulated')));
          else {
            const made = insertedNew(link);
            // No server here repeats an insert, so that no row is ever met by its own.
            const outcome =
              met === 'inserted' ? made : insertMet(link, { ...(made.link as LinkRecord), ...met }, 'another');
            answerIn(() => resolve(outcome));
          }
        });
      }),
    find: async () => {
      throw new Error('nobody follows links in this simulation');
    },
    read: async () => {
      throw new Error('nobody looks links up in this simulation');
    },
    sight: async () => {
      throw new Error('nobody follows links in this simulation');
    },
    edit: async () => {
      throw new Error('nobody edits links in this simulation');
    },
    click: async () => {
      throw new Error('nobody follows links in this simulation');
    },
    forgetReceipts: async () => 0,
    remove: nobodyDeletes,
    deleted: {
      read: nobodyDeletes,
      restore: nobodyDeletes,
      erase: nobodyDeletes,
      revive: nobodyDeletes,
      forget: async () => 0,
    },
  };
}

async function nobodyDeletes(): Promise<never> {
  throw new Error('nobody deletes links in this simulation');
}
