import { setTimeout as sleep } from 'node:timers/promises';
import { CreatedLinks } from './created-links';
import { DegradedStack, type ExtraServer } from './degraded-stack';

const SERVERS = 4;
/** Restarts under way at a time: what one gives back, two may want. */
const AT_A_TIME = 2;
const CREATE_EVERY_MS = 20;

/** What became of the counters, in numbers of them. */
export interface RollingRestarts {
  readonly restarts: number;
  readonly leased: number;
  /** In a link. */
  readonly used: number;
  /** On record as given back, for whoever starts next. */
  readonly givenBack: number;
  readonly lost: number;
  /** Of the lost, those that a server's log accounts for. */
  readonly toldLost: number;
  readonly claims: number;
  /** Links that clients were told of, and codes that came twice. */
  readonly created: number;
  readonly repeated: readonly string[];
}

/**
 * Stops (SIGTERM) and starts each of four servers in turn, two at a time, while all of them are asked for links, `restarts` times in all;
 * then stops them, and counts. Ranges are of the default size.
 */
export async function rollingRestarts(restarts: number): Promise<RollingRestarts> {
  const system = await DegradedStack.up({ shorten: 1, redirect: 1 }, {});
  try {
    // Only the servers below take part; what this one holds, it gives back.
    await system.stack.kill('shorten-1', 'SIGTERM');
    return await roll(system, restarts);
  } finally {
    await system.down();
  }
}

/** What the database knows of counters, in numbers of them. */
async function accounts(system: DegradedStack): Promise<Pick<RollingRestarts, 'leased' | 'givenBack' | 'used'>> {
  const root = await system.databaseRoot();
  try {
    const [rows] = await root.query(
      `SELECT SUM(end_counter-start_counter), SUM(IF(state='released', end_counter-start_counter, 0)),
         (SELECT COUNT(*) FROM lakh.links WHERE counter>0) FROM lakh.id_leases`,
    );
    const [leased = 0, givenBack = 0, used = 0] = Object.values((rows as object[])[0] ?? {}).map(Number);
    return { leased, givenBack, used };
  } finally {
    await root.end();
  }
}

/** SIGTERM, and the end that it has to lead to; resolves with the server's log. */
async function stopped({ child, end, log }: ExtraServer): Promise<string> {
  child.kill('SIGTERM');
  const status = await end;
  if (status !== 0) throw new Error(`a server ended with ${status}:\n${log()}`);
  return log();
}

async function roll(system: DegradedStack, restarts: number): Promise<RollingRestarts> {
  const created = new CreatedLinks();
  const servers = await Promise.all(Array.from({ length: SERVERS }, () => system.startShorten()));
  const logs: string[] = [];
  let over = false;
  const load = servers.map(async (_, slot) => {
    while (!over) {
      // Refused while its server restarts.
      await created.create((servers[slot] as ExtraServer).url).catch(() => {});
      await sleep(CREATE_EVERY_MS);
    }
  });
  let begun = 0;
  const lane = async (first: number): Promise<void> => {
    for (let slot = first; begun < restarts; slot = (slot + AT_A_TIME) % SERVERS) {
      begun += 1;
      logs.push(await stopped(servers[slot] as ExtraServer));
      servers[slot] = await system.startShorten();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => lane(i)));
  } finally {
    over = true;
    await Promise.all(load);
  }
  for (const server of servers) logs.push(await stopped(server));

  const { leased, givenBack, used } = await accounts(system);
  const log = logs.join('\n');
  const tails = [...log.matchAll(/"reason":"\w+","start":(\d+),"end":(\d+)/g)];
  const skipped = log.match(/counter skipped/g)?.length ?? 0;
  return {
    restarts: begun,
    leased,
    used,
    givenBack,
    lost: leased - givenBack - used,
    toldLost: tails.reduce((sum, [, start, end]) => sum + Number(end) - Number(start), skipped),
    claims: log.match(/"msg":"remainder claimed"/g)?.length ?? 0,
    created: created.all.length,
    repeated: created.repeated,
  };
}
