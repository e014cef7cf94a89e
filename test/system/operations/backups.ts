import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../packages/mysql/test/database.js';
import { type BackupKind, isInstalled } from './backup-kinds.js';
import { lakh, type Ran } from './harness.js';
import { AllocatorServer, type RealWitnesses, startWitnesses } from './real-witnesses.js';

const RANGE_SIZE = 100;
/** More than a server holds in advance: whoever knows none of them knows several leases less than were made. */
const COUNTERS = 750;
const SKIP = 100_000;

/**
 * Copies of both witnesses, made in either order while counters are issued, and what becomes of each restore. The short form shows one repair and
 * one restore of both.
 */
export function describeBackups(kind: BackupKind, { isShort = false } = {}): void {
  const more = (name: string, shown: () => Promise<void>): void => {
    if (!isShort) test(name, shown);
  };
  if (!isInstalled(kind)) process.stderr.write(`lakh: ${kind.program} is missing, and its tests are left out\n`);
  (isInstalled(kind) ? describe : describe.skip)(`${kind.name} and copies of ZooKeeper`, () => {
    let witnesses: RealWitnesses;
    let dir: string;
    let env: Record<string, string>;
    let address: string;
    let started = 0;
    /** Counters that were given since the test began, by any server. */
    let given: number[];
    let server: AllocatorServer | undefined;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'lakh-backups-'));
      witnesses = await startWitnesses({ nodes: 1, isUncaged: true });
    }, 60_000);
    afterAll(async () => {
      await witnesses?.stop();
      await rm(dir, { recursive: true, force: true });
    });
    beforeEach(async () => {
      address = await witnesses.fresh();
      env = {
        LAKH_ZOOKEEPER: address,
        LAKH_DATABASE: witnesses.databaseSetting,
        LAKH_LEASE_ATTEMPT_MS: '100',
        LAKH_RESTORE_SKIP: String(SKIP),
      };
      given = [];
    });
    afterEach(() => stopIssuing());

    /** Another server, or the one that runs. */
    async function issuing(): Promise<AllocatorServer> {
      if (server !== undefined) return server;
      started += 1;
      const holder = { serverId: `server-${started}`, host: 'host', processStartMs: started, codec: 'base62' };
      server = new AllocatorServer({ backend: await witnesses.open(address), holder, rangeSize: RANGE_SIZE });
      server.allocator.start();
      return server;
    }

    /** More counters; none may have been given before. */
    async function issue(): Promise<void> {
      const { issued } = await issuing();
      const before = new Set(given);
      const from = issued.length;
      await server?.issue(COUNTERS);
      const fresh = issued.slice(from);
      given.push(...fresh);
      expect(fresh.filter((counter) => before.has(counter))).toEqual([]);
    }

    /** As a machine that is taken away: what it held is nobody's. */
    async function stopIssuing(): Promise<void> {
      await server?.crash();
      server = undefined;
    }

    const path = (name: string): string => join(dir, `${name}-${started}`);

    /** Made while counters are leased: those that are under way may be in it or not. */
    async function copyDatabase(): Promise<string> {
      const to = path('database');
      await Promise.all([kind.copy(witnesses.database.server, to), issue()]);
      return to;
    }
    const restoreDatabase = (from: string): Promise<void> => kind.restore(witnesses.database.server, from);

    async function copyZookeeper(): Promise<string> {
      await stopIssuing();
      const to = path('zookeeper');
      await witnesses.copyZookeeper(to);
      return to;
    }

    const command = (...argv: readonly string[]): Promise<Ran> => lakh(env, ...argv);
    const problems = async (): Promise<string[]> => {
      const { stdout } = await command('ranges', 'check');
      return [...stdout.matchAll(/^problem: (\w+):/gm)].map(([, code]) => code as string);
    };
    async function repair(): Promise<void> {
      expect(await command('ranges', 'repair', '--apply')).toMatchObject({ exitCode: 0 });
      expect(await command('ranges', 'check')).toMatchObject({ exitCode: 0 });
    }
    /** A server that starts now leases nothing, and says so by this code. */
    async function refuses(code: string): Promise<void> {
      const { errors, leased } = await issuing();
      await eventually(() => errors.length > 0);
      expect([errors.map((error) => (error as { code?: string }).code), leased]).toEqual([[code], []]);
      await stopIssuing();
    }

    test('the database alone comes back older: leases stop, and after the repair no counter comes twice', async () => {
      await issue();
      const copy = await copyDatabase();
      await issue();
      await stopIssuing();
      await restoreDatabase(copy);
      expect(await problems()).toContain('ledger_forgot');
      await refuses('ledger_forgot');
      await repair();
      await issue();
    });

    more(
      'ZooKeeper comes back older than the database: leases stop, and after the repair no counter comes twice',
      async () => {
        await issue();
        const nodes = await copyZookeeper();
        await issue();
        const copy = await copyDatabase();
        // The system rests since: the database's copy is whole, but for what was under way while it was made.
        await stopIssuing();
        await witnesses.restoreZookeeper(nodes);
        expect(await problems()).toContain('zookeeper_forgot');
        await refuses('zookeeper_forgot');
        await repair();
        await issue();
        await stopIssuing();
        // And the other one as well, after that repair: it is the older one now.
        await restoreDatabase(copy);
        expect(await problems()).toContain('ledger_forgot');
        await repair();
        await issue();
      },
    );

    more(
      'both come back, the database copied before ZooKeeper: what ZooKeeper knows is enough, when nothing was issued since',
      async () => {
        await issue();
        const copy = await copyDatabase();
        await issue();
        const nodes = await copyZookeeper();
        await restoreDatabase(copy);
        await witnesses.restoreZookeeper(nodes);
        expect(await problems()).toContain('ledger_forgot');
        await repair();
        await issue();
      },
    );

    test.each(['the database', 'ZooKeeper'])(
      'both come back, %s copied first, and both are older than what was issued: lakh restore, before anything else',
      async (first) => {
        await issue();
        const [copy, nodes] =
          first === 'ZooKeeper'
            ? await copyZookeeper().then(async (nodes) => [await copyDatabase(), nodes])
            : await copyDatabase().then(async (copy) => [copy, await copyZookeeper()]);
        await issue();
        await stopIssuing();
        await restoreDatabase(copy as string);
        await witnesses.restoreZookeeper(nodes as string);
        if (first === 'the database') {
          // A repair goes by what the two know, and would give again what was given since.
          const planned = (await command('ranges', 'repair', '--json')).json<{ next: number }>();
          expect(planned.next).toBeLessThan(Math.max(...given));
        }
        expect(await command('restore')).toMatchObject({ exitCode: 0 });
        expect(await command('ranges', 'check')).toMatchObject({ exitCode: 0 });
        await issue();
      },
    );
  });
}
