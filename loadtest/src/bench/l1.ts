import type { Weighed } from '../programs/l1-bytes.js';
import type { RatioOf } from '../programs/l1-ratios.js';
import { TRACES } from '../programs/l1-traces.js';
import { progress } from '../scope.js';
import type { Group, SubjectRole } from './figures.js';
import { profileWorker } from './profiling.js';
import type { Bench, PreparedBench } from './setting.js';
import { type Figure, figure, type Trial } from './trials.js';
import { startVariants, startWorker } from './worker.js';

const PROGRAM = 'programs/l1-worker.js';
const OURS = 'S3-FIFO';
const LRU = 'LRU';
const VARIANTS = [
  {
    name: OURS,
    role: 'ours' as SubjectRole,
    variant: 's3-fifo',
    what: 'what L1 is made of: a hit raises a small number',
  },
  { name: LRU, role: 'rival' as SubjectRole, variant: 'lru', what: 'lru-cache: a hit moves an entry of a list' },
  {
    name: 'W-TinyLFU',
    role: 'rival' as SubjectRole,
    variant: 'w-tiny-lfu',
    what: 'a window before a segmented LRU: a hit moves an entry and counts in a sketch',
  },
];
const LINKS = 1_000_000;
const REQUESTS = 2_000_000;
const QUICK_LINKS = 10_000;
const QUICK_REQUESTS = 50_000;
const LIMIT_S = 300;
/** Of what it adds to the heap. */
const WRONG_AT_MOST_PERCENT = 10;

/** The cache in the process by itself: what decides what it keeps, what that costs, and what it weighs. */
export async function prepareL1(bench: Bench): Promise<PreparedBench> {
  const many = bench.quick ? QUICK_LINKS : 200_000;
  const wanted: readonly (readonly [string, string, number])[] = [
    ['hits-100', 'hits', 100],
    ['hits-many', 'hits', many],
    ['misses', 'misses', many],
  ];
  const groups: Group[] = [];
  for (const [id, what, links] of wanted.filter(([each]) => bench.wants(each))) {
    groups.push(await costGroup(bench, id, what, links));
  }
  return {
    groups,
    trials: [ratiosTrial(bench), bytesTrial(bench)],
    notes: ['each policy runs in a process of its own, and keeps entries that weigh alike'],
    profile: async (seconds) => [
      await profileWorker(bench, OURS, PROGRAM, ['s3-fifo', 'hits', String(many)], { seconds, callers: 1 }),
    ],
  };
}

async function costGroup(bench: Bench, id: string, what: string, links: number): Promise<Group> {
  const measuredBy = await startVariants(bench, PROGRAM, VARIANTS, what, String(links));
  const held = links.toLocaleString('en');
  return {
    id,
    title:
      what === 'hits'
        ? `Hits on ${held} links, Zipf 0.8`
        : `Misses, each kept in the place of another, ${held} links held`,
    unit: `${what}/s of CPU`,
    subjects: measuredBy((worker, seconds) => worker.ask({ seconds, callers: 1 })),
    independent: true,
    targets: what === 'hits' ? [{ ours: OURS, against: LRU, atLeast: 1 }] : [],
  };
}

function ratiosTrial(bench: Bench): Trial {
  const [links, requests] = bench.quick ? [QUICK_LINKS, QUICK_REQUESTS] : [LINKS, REQUESTS];
  return {
    id: 'ratios',
    async run() {
      const worker = await startWorker<RatioOf[]>(bench, 'programs/l1-ratios.js', [String(links), String(requests)]);
      const figures: Figure[] = [];
      for (const [number, { name }] of TRACES.entries()) {
        progress(`ratios: ${name}`);
        for (const { policy, share, ratio } of await worker.ask({ seconds: LIMIT_S, callers: number })) {
          const text = {
            unit: '% hits',
            what: 'of the second half of the requests, with room for that part of the links',
          };
          figures.push(figure({ name: `${name}, ${share * 100} %: ${policy}`, ...text }, [100 * ratio]));
        }
      }
      await worker.stop();
      const title = `Hits of ${requests.toLocaleString('en')} requests for ${links.toLocaleString('en')} links; 8 % of the requests are for a link that nobody asks for again`;
      return { title, figures };
    },
  };
}

function bytesTrial(bench: Bench): Trial {
  return {
    id: 'bytes',
    async run() {
      progress('bytes: filling caches');
      const figures: Figure[] = [];
      for (const entries of bench.quick ? [10_000] : [10_000, 100_000, 1_000_000]) {
        const worker = await startWorker<Weighed>(bench, 'programs/l1-bytes.js', [], {
          nodeArgs: ['--expose-gc', '--max-old-space-size=2048'],
        });
        const { heapBytes, accountBytes } = await worker.ask({ seconds: LIMIT_S, callers: entries });
        await worker.stop();
        const held = `${entries.toLocaleString('en')} links`;
        const what = 'what a cache that was filled adds to the heap, after a collection';
        figures.push(figure({ name: `${held}: heap`, unit: 'bytes a link', what }, [heapBytes / entries]));
        const off = Math.abs(accountBytes / heapBytes - 1) * 100;
        const text = {
          name: `${held}: account`,
          unit: '% off',
          what: 'lakh_l1_bytes, beside what the heap has grown by',
        };
        figures.push(figure(text, [off], WRONG_AT_MOST_PERCENT));
      }
      return { title: 'What L1 weighs', figures };
    },
  };
}
