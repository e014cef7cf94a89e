import { ensurePackages } from '@lakh/local';
import type { Group, Skipped, Subject, Target } from './figures.js';
import { whyMissing } from './packages.js';
import { profileServers } from './profiling.js';
import { arrivalsGroup } from './redirect/arrivals.js';
import { behindNginxGroup } from './redirect/behind-nginx.js';
import { idleTrial } from './redirect/idle.js';
import { CONNECTIONS, load, loadOurs, type Script } from './redirect/load.js';
import {
  codesOf,
  embedded,
  HOT_CODES,
  linksOnMariadb,
  type OnMariadb,
  type Paths,
  REDIRECT,
  redirectOn,
  type Warm,
} from './redirect/ours.js';
import { BARE, EXPRESS, GO, NGINX, type Rival, startRivals } from './redirect/rivals.js';
import { workersGroup } from './redirect/workers.js';
import type { Bench, PreparedBench } from './setting.js';

type Goal = Pick<Target, 'against'> & { readonly atLeast: number };

const HOT_GOALS: readonly Goal[] = [
  { against: BARE, atLeast: 1.4 },
  { against: NGINX, atLeast: 0.72 },
  { against: GO, atLeast: 1.2 },
  { against: EXPRESS, atLeast: 9 },
];
const MANY_GOALS: readonly Goal[] = [{ against: BARE, atLeast: 1.2 }];
const BROWSER_GOALS: readonly Goal[] = [{ against: BARE, atLeast: 1.3 }];
/** What nobody asks of them. */
const NOT_IN_BROWSER = [EXPRESS, GO];

/** Groups that share their servers. */
const ON_ONE_CORE = ['redirect', 'redirect_many', 'browser', 'arrivals'];
const WITH_LANE_OFF = ['redirect', 'redirect_many', 'browser', 'behind-nginx'];

/** Redirects that L1 answers, per core, beside bare node:http, express 5, Go's net/http and nginx. */
export async function prepareRedirect(bench: Bench): Promise<PreparedBench> {
  await ensurePackages(['wrk']);
  const missing = await whyMissing(['mariadb', 'zookeeper']);
  const links = missing ? undefined : await linksOnMariadb(bench);
  const skipped: Skipped[] = missing ? [{ name: 'redirect (MariaDB)', reason: missing }] : [];
  const ours: Warm[] = [];
  const off = links && WITH_LANE_OFF.some((id) => bench.wants(id)) ? await laneOff(links) : undefined;
  const groups: Group[] = [];
  if (ON_ONE_CORE.some((id) => bench.wants(id))) {
    ours.push(await embedded(bench));
    if (links) ours.push(await redirectOn(links));
    const rivals = await startRivals(bench, skipped);
    groups.push(...groupsOnOneCore(bench, { ours, off, rivals, skipped }));
    groups.push(await arrivalsGroup(bench, ours.at(-1) as Warm, rivals));
  }
  if (links && off && bench.wants('behind-nginx')) {
    const on = ours.find(({ name }) => name === REDIRECT) ?? (await redirectOn(links));
    groups.push(await behindNginxGroup(bench, on, off));
  }
  if (links && bench.wants('workers')) groups.push(await workersGroup(bench, links));
  return {
    groups,
    trials: [
      links ? idleTrial(bench, links) : { id: 'idle', run: async () => ({ title: 'Idle', figures: [], skipped }) },
    ],
    notes: [
      `wrk, 1 thread, ${CONNECTIONS} connections, the same paths for all; L1 holds ${codesOf(bench)} links in every group`,
      'asked for in turn, many links are the worst case for the processor’s caches, from which rivals with one fixed address never leave',
      'L1 holds every code throughout (LAKH_L1_TTL_MS raised); request counter and histogram are on, and checked',
    ],
    profile: (seconds) =>
      profileServers(bench, ours, seconds, (url, { paths }) => load(bench, url, paths.hot, seconds)),
  };
}

interface OnOneCore {
  readonly ours: readonly Warm[];
  readonly off: Warm | undefined;
  readonly rivals: readonly Rival[];
  readonly skipped: readonly Skipped[];
}

function groupsOnOneCore(bench: Bench, { ours, off, rivals, skipped }: OnOneCore): Group[] {
  const subjects = (which: keyof Paths, script: Script): Subject[] => [
    ...ours.map((one) => ownSubject(bench, one, 'ours', which, script)),
    ...(off ? [ownSubject(bench, off, 'rival', which, script)] : []),
    ...rivals.map(({ url, ...rival }) => ({
      ...rival,
      measure: (seconds: number) => load(bench, url, (ours[0] as Warm).paths[which], seconds, script),
    })),
  ];
  const goals = (list: readonly Goal[]): Target[] =>
    ours.flatMap(({ name }) => list.map((goal) => ({ ours: name, ...goal })));
  const title = 'Redirects answered by L1, one core';
  const unit = 'requests/s';
  return [
    {
      id: 'redirect',
      title: `${title}: ${HOT_CODES} hot links in turn`,
      unit,
      subjects: subjects('hot', 'paths.lua'),
      independent: true,
      targets: goals(HOT_GOALS),
      skipped,
    },
    {
      id: 'redirect_many',
      title: `${title}: ${codesOf(bench)} links in turn`,
      unit,
      subjects: subjects('all', 'paths.lua'),
      independent: true,
      targets: goals(MANY_GOALS),
      skipped,
    },
    {
      id: 'browser',
      title: `${title}: ${HOT_CODES} hot links in turn, with a browser’s twelve headers`,
      unit,
      subjects: subjects('hot', 'browser.lua').filter(
        ({ name, role }) => role !== 'limit' && !NOT_IN_BROWSER.includes(name),
      ),
      independent: true,
      targets: goals(BROWSER_GOALS),
    },
  ];
}

function ownSubject(bench: Bench, one: Warm, role: 'ours' | 'rival', which: keyof Paths, script: Script): Subject {
  const { name, what } = one;
  return { name, role, what, measure: (seconds) => loadOurs(bench, one, which, seconds, { script }) };
}

/** Where node:http reads every request. */
async function laneOff({ paths, start }: OnMariadb): Promise<Warm> {
  const startOff = (nodeArgs: readonly string[]) => start({ nodeArgs, env: { LAKH_WIRE_LANE: 'off' } });
  return {
    name: 'redirect, lane off',
    what: 'the same with LAKH_WIRE_LANE=off',
    paths,
    running: await startOff([]),
    start: startOff,
  };
}
