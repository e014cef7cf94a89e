import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mariadbPlan, mariadbSql, openStack, readSettings, type Stack, zookeeperMode } from '@lakh/local';
import { base62 } from '@lakh/short-code';
import { Progress, runCrowd } from './support/crowd';
import { FaultLog } from './support/fault-log';
import { type Answer, GatewayClient } from './support/gateway-client';
import { IssuedLinks, type LeasedRange, overlaps } from './support/issued-links';
import { readUrlLines } from './support/urls';

jest.setTimeout(300_000);

const root = join(__dirname, '..', '..');
const CALLERS = 64;
const SHORTEN_SERVERS = 4;
/** How often a line is sent anew after failures: each is a new request, and every failure is counted. */
const MAX_ATTEMPTS = 5;
/**
 * Small ranges, so that every server leases many of them during all faults. Held are at most as many as last for an election on a
 * busy machine, some seconds; more of them would keep the counter 141,590 out of the first 47,939 or so.
 */
const RANGE_SIZE = 1_000;
const RANGES_MAX_HELD = 6;
/** Its code would be `api`. */
const API_COUNTER = 141_590;

interface Created {
  readonly code: string;
  readonly short_url: string;
  readonly long_url: string;
}

describe('47,940 lines through the gateway while servers are killed, restarted and added', () => {
  let dir: string;
  let stack: Stack;
  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-scenario-')));
    const settings = readSettings({
      PATH: process.env.PATH,
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: String(RANGES_MAX_HELD),
      LAKH_LOG_LEVEL: 'warn',
    });
    stack = openStack({ dir, root, settings });
  });
  afterAll(async () => {
    await stack.down({ wipe: true });
    rmSync(dir, { recursive: true, force: true });
  });

  test('no code twice, no link lost, and no failure but of requests in flight at a kill', async () => {
    const startedMs = performance.now();
    const { lines, source } = readUrlLines(root);
    const { url } = await stack.up({ shorten: SHORTEN_SERVERS, redirect: 2, zookeeper: 3 });
    const client = new GatewayClient(url, CALLERS);
    const faults = new FaultLog();
    const owners = new Map<number, string>();
    const noteOwners = (): void => {
      for (const { name, pid } of stack.running()) owners.set(pid, name);
    };
    noteOwners();

    const links = new IssuedLinks();
    const refused: string[] = [];
    const done = new Progress();
    const share = (part: number): Promise<void> => done.reached(Math.floor(lines.length * part));

    const makeFaults = async (): Promise<void> => {
      await share(0.2);
      await faults.during('shorten-2 killed', () => stack.kill('shorten-2'));
      await share(0.35);
      const leader = await zookeeperLeader();
      await faults.during(`${leader} (leader) killed`, () => stack.kill(leader));
      // Long enough for the others to elect, lease and go on without it.
      await share(0.45);
      await stack.start(leader);
      await share(0.5);
      await stack.scale({ shorten: SHORTEN_SERVERS + 1 });
      noteOwners();
    };

    const shorten = async (longUrl: string, index: number): Promise<void> => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const end = faults.begin();
        let answer: Answer;
        try {
          answer = await client.ask('POST', '/api/v1/urls', JSON.stringify({ long_url: longUrl }));
        } catch (error) {
          end(String(error));
          continue;
        }
        if (answer.status === 502 || answer.status === 503) {
          end(`${answer.status} ${answer.body}`);
          continue;
        }
        end();
        if (answer.status === 422) refused.push(longUrl);
        else {
          const link = createdLink(answer, longUrl);
          expect(link).toMatchObject({ long_url: new URL(longUrl).href, short_url: `${url}/${link.code}` });
          links.add({ code: link.code, line: index + 1, longUrl: link.long_url });
        }
        done.add();
        return;
      }
      throw new Error(`line ${index + 1} failed ${MAX_ATTEMPTS} times, last: ${faults.failures.at(-1)?.why}`);
    };

    const faultsMade = makeFaults();
    // The last lines wait for the added server, however slow the machine: it shall take its share.
    const crowd = { items: lines, concurrency: CALLERS, work: shorten, holdAt: lines.length * 0.8 };
    await Promise.all([runCrowd({ ...crowd, holdUntil: faultsMade }), faultsMade]);
    const createdS = (performance.now() - startedMs) / 1000;

    const ranges = await leasedRanges(owners);
    const duplicates = links.duplicates(ranges);
    expect(duplicates).toEqual([]);
    expect(refused).toEqual(lines.filter((line) => !URL.canParse(line)));
    expect(links.size).toBe(lines.length - 1);

    // The ledger's ranges, of the size that the stack was told, are disjoint, and hold every code.
    expect(overlaps(ranges)).toEqual([]);
    expect(ranges.filter(({ start, end }) => end - start !== RANGE_SIZE)).toEqual([]);
    expect(links.misfits(ranges)).toEqual([]);
    const byOwner = links.countByOwner(ranges);
    expect([...byOwner.keys()].sort()).toEqual(['shorten-1', 'shorten-2', 'shorten-3', 'shorten-4', 'shorten-5']);

    // What failed was in flight at a kill, and nothing else was lost: a failed request may have used a counter, and made its link.
    const { byFault, unexplained } = faults.attributed();
    expect(unexplained).toEqual([]);
    // Each caller has one request under way at a time.
    const bound = (inFlight: number): number => Math.min(inFlight, CALLERS);
    expect(byFault.filter(({ fault, failures }) => failures.length > bound(fault.inFlight))).toEqual([]);
    const failureCount = faults.failures.length;
    expect(links.skipped(ranges).length).toBeLessThanOrEqual(failureCount);
    const stored = Number(await sql('SELECT COUNT(*) FROM lakh.links WHERE kind = 1'));
    expect(stored).toBeGreaterThanOrEqual(links.size);
    expect(stored).toBeLessThanOrEqual(links.size + failureCount);

    // `api` was met: its neighbours are links, and it is none.
    const codec = base62();
    expect(codec.encode(API_COUNTER)).toBe('api');
    expect(links.at(API_COUNTER)).toBeUndefined();
    const neighbours = [links.at(API_COUNTER - 1), links.at(API_COUNTER + 1)];
    expect(neighbours).toEqual([expect.anything(), expect.anything()]);
    expect((await client.ask('GET', '/api')).status).toBe(404);
    for (const neighbour of neighbours) {
      const read = await client.ask('GET', `/api/v1/urls/${neighbour?.code}`);
      expect({ status: read.status, ...JSON.parse(read.body) }).toMatchObject({
        status: 200,
        code: neighbour?.code,
        long_url: neighbour?.longUrl,
      });
    }

    // Every acknowledged link leads to exactly its URL.
    let redirects = 0;
    const wrong: string[] = [];
    await runCrowd({
      items: [...links.all()],
      concurrency: CALLERS,
      async work({ code, line, longUrl }) {
        const { status, headers } = await client.ask('GET', `/${code}`);
        redirects += 1;
        if (status === 301 && headers.location === longUrl) return;
        wrong.push(`${code} of line ${line}: ${status} ${headers.location} instead of ${longUrl}`);
      },
    });
    expect(wrong).toEqual([]);
    expect(redirects).toBe(links.size);
    client.close();

    const kills = byFault.map(
      ({ fault, failures }) => `${fault.name}: ${failures.length} of ${bound(fault.inFlight)} in flight failed`,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    process.stderr.write(
      `scenario: ${lines.length} lines (${source}), ${links.size} links, ${refused.length} refused, ${duplicates.length} duplicates, ` +
        `${redirects} redirects checked; ${kills.join('; ')}; ${ranges.length} ranges of ${RANGE_SIZE} leased by ${byOwner.size} servers; ` +
        `${seconds.toFixed(1)} s (created after ${createdS.toFixed(1)} s)\n`,
    );
  });

  function createdLink(answer: Answer, longUrl: string): Created {
    if (answer.status === 201) return JSON.parse(answer.body) as Created;
    throw new Error(`${answer.status} for ${longUrl}: ${answer.body}`);
  }

  async function zookeeperLeader(): Promise<string> {
    const { processes } = await stack.status();
    for (const { name, role, url } of processes) {
      if (role === 'zookeeper' && (await zookeeperMode(Number(new URL(url).port))) === 'leader') return name;
    }
    throw new Error('the ensemble has no leader');
  }

  /** As root through the server's own socket, so as no Lakh server's rights or code are trusted in this. */
  function sql(statement: string): Promise<string> {
    return mariadbSql(mariadbPlan({ name: 'mysql-1', dir: join(dir, 'mysql-1'), port: 0 }), statement);
  }

  /** The ledger. A server's own name in it has its process id in the middle. */
  async function leasedRanges(owners: ReadonlyMap<number, string>): Promise<LeasedRange[]> {
    const rows = await sql('SELECT start_counter, end_counter, server_id FROM lakh.id_leases ORDER BY start_counter');
    return rows
      .trimEnd()
      .split('\n')
      .map((row) => {
        const [start, end, serverId = ''] = row.split('\t');
        const pid = Number(serverId.split('-').at(-2));
        return { start: Number(start), end: Number(end), owner: owners.get(pid) ?? serverId };
      });
  }
});
