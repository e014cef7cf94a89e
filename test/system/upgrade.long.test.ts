import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './support/ask';
import { buildPrevious, PREVIOUS, whyNoPrevious } from './support/previous-release';
import { during, SteadyLoad } from './support/steady-load';
import { type Release, type ServerName, TOKEN, TwoReleases } from './support/two-releases';

/** The previous release's build and this one side by side, as in an update that nobody need notice. */
jest.setTimeout(300_000);

const root = join(__dirname, '..', '..');
const CREATE_EVERY_MS = 25;
const FOLLOW_EVERY_MS = 10;
/** The last links are followed as often as all others: they are in no cache yet. */
const LATEST = 20;

interface Link {
  readonly code: string;
  readonly longUrl: string;
}

let dir: string;
let previous: Release;
const present: Release = { root, database: 'LAKH_DATABASE' };
const missing = whyNoPrevious(root);
const testWithPrevious = missing === undefined ? test : test.skip;

beforeAll(async () => {
  if (missing !== undefined) {
    process.stderr.write(`lakh: the update from ${PREVIOUS.version} is not tried: ${missing}\n`);
    return;
  }
  dir = mkdtempSync(join(tmpdir(), 'lakh-previous-'));
  previous = { root: dir, database: 'LAKH_SHARDS' };
  await buildPrevious(root, dir);
});
afterAll(() => {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
});

testWithPrevious('a rolling update: no create and no redirect fails, and what was deleted stays so', async () => {
  const system = new TwoReleases();
  try {
    await system.up();
    await system.migrate(previous);
    for (const name of ['shorten-1', 'shorten-2', 'redirect-1', 'redirect-2'] as const)
      await system.run(name, previous);
    const clients = new Clients(system.url);
    const deletes: [when: string, ...statuses: number[]][] = [];
    const deleted = async (when: string): Promise<void> => {
      deletes.push([when, await clients.deleteOne(), await clients.deleteOne()]);
    };

    await during(clients.loads(), async () => {
      await deleted('before');
      expect(await system.migrate(present)).toMatch(/4/);
      await deleted('after the migration');
      for (const name of ['redirect-1', 'redirect-2', 'shorten-1', 'shorten-2'] as const satisfies ServerName[]) {
        await system.run(name, present);
        await clients.allAreAsTheyShould();
        if (name === 'redirect-2') await deleted('with new redirect servers');
      }
      await deleted('after the update');
    });
    await clients.allAreAsTheyShould();
    expect(clients.wrong).toEqual([]);
    expect(deletes).toEqual([
      ['before', 204, 204],
      // As docs/upgrade.md says of 0.1.0.
      ['after the migration', 503, 503],
      ['with new redirect servers', 503, 503],
      ['after the update', 204, 204],
    ]);
    process.stderr.write(`lakh: ${clients.links.length} links made, ${clients.followed} redirects, none failed\n`);
  } finally {
    await system.down();
  }
});

testWithPrevious(
  'a server that starts on the schema of the other release: a new one is refused, or migrates where it may; an old one is refused',
  async () => {
    const system = new TwoReleases();
    try {
      await system.up();
      await system.migrate(previous);
      await system.run('shorten-1', previous);
      await system.run('redirect-1', previous);
      const clients = new Clients(system.url);
      await clients.create();
      await expect(system.run('shorten-2', present)).rejects.toThrow(/schema_mismatch|lacks migration/);
      expect(await clients.follow(0)).toBe(301);
      await system.run('shorten-2', present, 'auto');
      await system.run('redirect-2', present);
      // Who ran before goes on, and whoever is started now is told.
      await clients.create();
      expect(await clients.follow(0)).toBe(301);
      await expect(system.run('shorten-1', previous)).rejects.toThrow('schema_mismatch');
      await clients.create();
      await clients.allAreAsTheyShould();
      expect(clients.wrong).toEqual([]);
    } finally {
      await system.down();
    }
  },
);

/** Those who make, follow and delete links through the gateway, and what they saw that should not be. */
class Clients {
  readonly links: Link[] = [];
  readonly #deleted: Link[] = [];
  /** From the moment at which they are asked to be: what is under way then may still be answered either way. */
  readonly #leaving = new Set<Link>();
  readonly wrong: string[] = [];
  followed = 0;
  readonly #url: string;
  #made = 0;

  constructor(url: string) {
    this.#url = url;
  }

  loads(): SteadyLoad[] {
    let at = 0;
    return [
      new SteadyLoad(CREATE_EVERY_MS, () => this.#create()),
      new SteadyLoad(FOLLOW_EVERY_MS, () => {
        at += 1;
        const from = at % 2 === 0 ? 0 : Math.max(0, this.links.length - LATEST);
        const index = from + Math.floor(Math.random() * (this.links.length - from));
        return this.links.length === 0 ? this.#create() : this.#follow(this.links[index] as Link, 301);
      }),
      new SteadyLoad(FOLLOW_EVERY_MS * 5, () => {
        const link = this.#deleted[Math.floor(Math.random() * this.#deleted.length)];
        return link === undefined ? this.#create() : this.#follow(link, 410);
      }),
    ];
  }

  async create(): Promise<void> {
    await this.#create();
  }

  async #create() {
    this.#made += 1;
    const longUrl = `https://example.org/${this.#made}`;
    const answer = await ask('POST', `${this.#url}/api/v1/urls`, JSON.stringify({ long_url: longUrl }));
    if (answer.status === 201) this.links.push({ code: JSON.parse(answer.body).code, longUrl });
    else this.wrong.push(`create: ${answer.status} ${answer.body}`);
    return answer;
  }

  async follow(index: number): Promise<number> {
    return (await this.#follow(this.links[index] as Link, 301)).status;
  }

  async #follow(link: Link, expected: number) {
    const answer = await ask('GET', `${this.#url}/${link.code}`);
    this.followed += 1;
    const isOver = expected === 301 && this.#leaving.has(link);
    const isRight = answer.status === expected && (expected === 410 || answer.headers.location === link.longUrl);
    if (!isRight && !isOver)
      this.wrong.push(`${link.code}: ${answer.status} ${answer.headers.location ?? answer.body}`);
    return answer;
  }

  /** Takes a link that is in every cache; resolves with the answer once the deletion must be seen everywhere. */
  async deleteOne(): Promise<number> {
    const link = this.links[Math.floor(this.links.length / 2)] as Link;
    await this.follow(this.links.indexOf(link));
    this.#leaving.add(link);
    const { status } = await ask('DELETE', `${this.#url}/api/v1/urls/${link.code}`, undefined, TOKEN);
    if (status !== 204) {
      this.#leaving.delete(link);
      return status;
    }
    this.links.splice(this.links.indexOf(link), 1);
    await gone(`${this.#url}/${link.code}`);
    this.#deleted.push(link);
    return status;
  }

  async allAreAsTheyShould(): Promise<void> {
    for (const link of [...this.links]) await this.#follow(link, 301);
    for (const link of this.#deleted) await this.#follow(link, 410);
  }
}

/** The bound of staleness is five seconds; of 0.1.0 as well, with Redis up. */
async function gone(url: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  let inARow = 0;
  while (inARow < 10) {
    inARow = (await ask('GET', url)).status === 410 ? inARow + 1 : 0;
    if (performance.now() > deadline) throw new Error(`${url} still redirects`);
  }
}
