import { mariadbSql } from '@lakh/local';
import { issue } from '../programs/issuing.js';
import { progress } from '../scope.js';
import { countsOf, transactionsBetween } from './ensemble.js';
import type { Databases } from './lakh-servers.js';
import type { Bench } from './setting.js';
import { figure, type Trial } from './trials.js';
import { openWitnesses, type WitnessAddresses, type Witnesses } from './witnesses.js';

const MILLION = 1_000_000;
const LIMIT_S = 120;
/**
 * Ten for ten ranges, and one for those that are held and not yet used: a server holds up to 64 ranges, which is less than that
 * of a hundred million. A quick pass issues less and holds less.
 */
const AT_MOST = 11;
const FULL = { ids: 100 * MILLION, maxHeld: 64 };
const QUICK = { ids: 4 * MILLION, maxHeld: 2 };

/** What one server costs ZooKeeper and MariaDB for a million ids, as they count it themselves. */
export function writesTrial(bench: Bench, databases: Databases, addresses: WitnessAddresses): Trial {
  return {
    id: 'writes',
    async run() {
      const { ids, maxHeld } = bench.quick ? QUICK : FULL;
      progress(`writes: issuing ${ids.toLocaleString('en')} ids`);
      const witnesses = await openWitnesses(addresses, { serverId: 'writes', firstNode: 0 });
      try {
        // The mark is there from now on, whichever part ran before.
        await witnesses.lease.lease(1);
        const before = await counts(databases, witnesses);
        const issued = await issue(witnesses.source, { seconds: LIMIT_S, ids, maxHeld });
        const after = await counts(databases, witnesses);
        const millions = issued.ids / MILLION;
        const { leases } = issued;
        const transactions = transactionsBetween(before.ensemble, after.ensemble) - BARRIERS_OF_THE_LOOK;
        return {
          title: `What ${millions.toLocaleString('en')} million ids of one server cost its witnesses, in ranges of one lakh`,
          figures: [
            figure(
              {
                name: 'writes a million ids',
                unit: 'writes',
                what: "that changed the mark's node: its version in ZooKeeper, before and after",
              },
              [(after.markVersion - before.markVersion) / millions],
              AT_MOST,
            ),
            figure(
              {
                name: 'transactions a million ids',
                unit: '',
                what: "that ZooKeeper's leader ordered and logged (zxid), whatever they were for",
              },
              [transactions / millions],
              AT_MOST,
            ),
            figure({ name: 'leases a million ids', unit: 'leases', what: 'acknowledged' }, [leases / millions]),
            figure(
              {
                name: 'requests to ZooKeeper a lease',
                unit: '',
                what: 'as all nodes counted packets: the list of remainders, two reads sent at once, a write: 3 round trips; and pings',
              },
              [(after.ensemble.received - before.ensemble.received) / leases],
            ),
            figure({ name: 'statements to MariaDB a lease', unit: '', what: 'as it counted questions' }, [
              (after.questions - before.questions) / leases,
            ]),
          ],
        };
      } finally {
        await witnesses.close();
      }
    },
  };
}

/** The look at the mark that comes between the two looks at zxid is of the mark as it stands, and so a transaction too. */
const BARRIERS_OF_THE_LOOK = 1;

async function counts({ mariadb, zookeeperNodes }: Databases, { marks }: Witnesses) {
  const ensemble = await countsOf(zookeeperNodes);
  const snapshot = await marks.read();
  if (snapshot === 'missing') throw new Error('the mark is missing');
  const status = await mariadbSql(mariadb, "SHOW GLOBAL STATUS LIKE 'Questions'");
  return {
    ensemble,
    markVersion: (snapshot.version as { readonly node: number }).node,
    questions: Number(status.trim().split('\t')[1]),
  };
}
