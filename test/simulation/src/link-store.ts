import type { InsertOutcome, Link, LinkStore } from '@lakh/links';
import { insertedNew, insertMet, StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import type { SimulatedDatabase } from './database/database.js';
import type { Network } from './network.js';
import type { SimulatedProcess } from './process.js';

export interface LinkStoreEnds {
  readonly database: SimulatedDatabase;
  readonly network: Network;
  readonly process: SimulatedProcess;
}

/** The links of one process: each insert is a message to the database, which its unique key decides. */
export function simulatedLinkStore({ database, network, process }: LinkStoreEnds): LinkStore {
  return {
    insert: (link) =>
      new Promise<InsertOutcome>((resolve, reject) => {
        if (network.isAway('the ledger')) {
          reject(new StoreUnavailableError('the database is away'));
          return;
        }
        const fault = network.draw('the ledger', 'link insert', 'write', 'other');
        const answerIn = (run: () => void) =>
          network.time.schedule(network.wayMs(fault === 'slow answer'), () => process.deliver(run));
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
            const outcome = met === 'inserted' ? made : insertMet(link, { ...(made.link as Link), ...met }, 'another');
            answerIn(() => resolve(outcome));
          }
        });
      }),
    find: async () => {
      throw new Error('nobody follows links in this simulation');
    },
    remove: async () => {
      throw new Error('nobody deletes links in this simulation');
    },
  };
}
