import { setTimeout as sleep } from 'node:timers/promises';
import type { LakhServer } from './lakh-servers.js';
import { createLinks } from './links.js';
import type { Bench } from './setting.js';
import { figure, quantile, type Trial } from './trials.js';

const CHANGES = 10_000;
const QUICK_CHANGES = 50;
/** Each has links of its own, and one change under way. */
const WRITERS = 8;
/** Of links that nobody changes, beside the writers. */
const READERS = 8;
const LINKS_A_WRITER = 16;
/** One of so many changes is a delete, after which another link takes the place. */
const DELETE_EVERY = 16;
const LOOK_EVERY_MS = 2;
const READ_EVERY_MS = 10;
const PATIENCE_MS = 20_000;
const WITHIN_MS = 100;

/** From a change's answer until every redirect server shows it, while others read and write. */
export function stalenessTrial(
  bench: Bench,
  shorten: LakhServer,
  redirects: readonly LakhServer[],
  token: string,
): Trial {
  return {
    id: 'staleness',
    async run() {
      const changes = bench.quick ? QUICK_CHANGES : CHANGES;
      const tookMs: number[] = [];
      const codes = await createLinks(shorten.url, LINKS_A_WRITER * (WRITERS + READERS));
      let isOver = false;
      const read = async (reader: number): Promise<void> => {
        for (let i = 0; !isOver; i += 1) {
          const code = codes[(WRITERS + reader) * LINKS_A_WRITER + (i % LINKS_A_WRITER)];
          await Promise.all(redirects.map(({ url }) => faceOf(`${url}/${code}`)));
          await sleep(READ_EVERY_MS);
        }
      };
      const write = async (writer: number): Promise<void> => {
        const own = codes.slice(writer * LINKS_A_WRITER, (writer + 1) * LINKS_A_WRITER);
        for (let i = 0; tookMs.length < changes; i += 1) {
          const place = i % LINKS_A_WRITER;
          const code = own[place] as string;
          // In every cache, and just before.
          await Promise.all(redirects.map(({ url }) => faceOf(`${url}/${code}`)));
          const isDelete = i % DELETE_EVERY === DELETE_EVERY - 1;
          const expected = isDelete ? '410' : `https://example.org/changed/${writer}/${i}`;
          await change(`${shorten.url}/api/v1/urls/${code}`, isDelete ? undefined : expected, token);
          const doneMs = performance.now();
          await Promise.all(redirects.map(({ url }) => untilSeen(`${url}/${code}`, expected, doneMs)));
          tookMs.push(performance.now() - doneMs);
          if (isDelete) [own[place]] = (await createLinks(shorten.url, 1)) as [string];
        }
      };
      const readers = Array.from({ length: READERS }, (_, reader) => read(reader));
      try {
        await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
      } finally {
        isOver = true;
        await Promise.allSettled(readers);
      }
      const what = 'from the answer of an edit or delete to the last server that shows it, asked every 2 ms';
      return {
        title: `${tookMs.length} edits and deletes, ${redirects.length} redirect servers, ${READERS} readers beside ${WRITERS} writers`,
        figures: [
          figure({ name: 'seen everywhere', unit: 'ms', what }, tookMs),
          figure({ name: 'p99.9', unit: 'ms', what: 'of the same' }, [quantile(tookMs, 0.999)], WITHIN_MS),
        ],
      };
    },
  };
}

/** Where it leads, or the status where it leads nowhere. */
async function faceOf(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'manual' });
  await response.body?.cancel();
  return response.headers.get('location') ?? String(response.status);
}

async function untilSeen(url: string, expected: string, sinceMs: number): Promise<void> {
  for (;;) {
    const face = await faceOf(url);
    if (face === expected) return;
    if (performance.now() - sinceMs > PATIENCE_MS) throw new Error(`${url} still shows ${face}, not ${expected}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** `to`: the new target; undefined deletes. */
async function change(url: string, to: string | undefined, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(
    url,
    to === undefined
      ? { method: 'DELETE', headers }
      : { method: 'PATCH', headers, body: JSON.stringify({ long_url: to }) },
  );
  if (!response.ok) throw new Error(`a change answered ${response.status}: ${await response.text()}`);
  await response.body?.cancel();
}
