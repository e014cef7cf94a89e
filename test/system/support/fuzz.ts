import { connect } from 'node:net';
import { createFuzzer, type FuzzedRequest } from './fuzz-requests.js';
import { ask, create, metric } from './http.js';
import { createRandom } from './random.js';
import { type Standalone, startStandalone } from './standalone.js';

/** Some of them get deleted by requests that turn out to be well-formed. */
const LINKS = 100;
const WARM_UP = 10_000;
const CONCURRENCY = 48;
/** Half-closes a connection on which the server has said nothing (or nothing more) for so long. */
const SILENCE_MS = 40;
/** A connection that the server has not closed so long after we have ended our side. */
const HANG_MS = 8_000;
/** Of memory that stays, a request after the warm-up. */
const GROWTH_MAX_BYTES = 370;

interface Outcome {
  readonly statuses: readonly number[];
  readonly hangs: boolean;
}

const STATUS_LINE = /(?:^|\r\n\r\n|[}>\n])HTTP\/1\.1 (\d{3}) /g;

function exchange(port: number, request: FuzzedRequest): Promise<Outcome> {
  return new Promise((resolve) => {
    let received = '';
    let hangs = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let timer: NodeJS.Timeout | undefined;
    const later = (): void => {
      clearTimeout(timer);
      timer = setTimeout(endOurSide, SILENCE_MS);
    };
    function endOurSide(): void {
      clearTimeout(timer);
      socket.end();
      timer = setTimeout(() => {
        hangs = true;
        socket.destroy();
      }, HANG_MS);
    }
    socket.once('connect', () => {
      const [first, ...rest] = request.pieces;
      if (first) socket.write(first);
      // On the next turn, so that the pieces really are apart.
      setImmediate(() => {
        for (const piece of rest) socket.write(piece);
        if (request.manner === 'cut') socket.resetAndDestroy();
        else if (request.manner === 'half') endOurSide();
        else later();
      });
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      if (request.manner === 'wait') later();
    });
    // A reset is one way in which a server may refuse.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ statuses: [...received.matchAll(STATUS_LINE)].map((match) => Number(match[1])), hangs });
    });
  });
}

/** Resident memory once the server has collected its garbage and nothing is in flight. */
async function settledMemory(server: Standalone): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < 8; sample += 1) {
    server.child.kill('SIGUSR2');
    // The collection runs on the server's own thread: an answer that follows it was made after it.
    await ask(server.port, '/');
    least = Math.min(least, await metric(server.adminUrl, 'lakh_process_resident_memory_bytes'));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return least;
}

/** Malformed requests against the API, the page and redirects in one process: no 5xx, no crash, no hang, no memory that stays. */
export async function fuzz({ seed, requests }: { readonly seed: number; readonly requests: number }): Promise<void> {
  process.stderr.write(`fuzz: seed ${seed}\n`);
  const collector = 'data:text/javascript,process.on("SIGUSR2",()=>{gc();gc()})';
  const server = await startStandalone({
    // A refusal would be all that most requests meet.
    env: { LAKH_CHANGES_PER_MIN: '1000000000', LAKH_MISSES_PER_MIN: '1000000000' },
    nodeArgs: ['--expose-gc', '--import', collector],
  });
  try {
    const codes: string[] = [];
    for (let i = 0; i < LINKS; i += 1) {
      codes.push((await create(server.port, { long_url: `https://example.com/${i}` })).json().code as string);
    }
    const fuzzer = createFuzzer(createRandom(seed), codes);
    const counts = new Map<number | string, number>();
    const failures: string[] = [];
    let sent = 0;

    async function sendUntil(limit: number): Promise<void> {
      const sender = async (): Promise<void> => {
        while (sent < limit && failures.length < 5) {
          sent += 1;
          const number = sent;
          const request = fuzzer.next();
          const { statuses, hangs } = await exchange(server.port, request);
          for (const status of statuses.length > 0 ? statuses : ['none'])
            counts.set(status, (counts.get(status) ?? 0) + 1);
          if (hangs || statuses.some((status) => status >= 500)) {
            const bytes = JSON.stringify(Buffer.concat(request.pieces).toString('latin1').slice(0, 600));
            failures.push(
              `request ${number} (${request.kind}, ${request.manner}): ${hangs ? 'hangs' : statuses} on ${bytes}`,
            );
          }
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, sender));
      expect(failures).toEqual([]);
    }

    await sendUntil(WARM_UP);
    const before = await settledMemory(server);
    await sendUntil(requests);
    const after = await settledMemory(server);

    const grown = after - before;
    const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    const summary = [...counts]
      .sort(([a], [b]) => String(a).localeCompare(String(b)))
      .map(([status, count]) => `${status}: ${count}`);
    process.stderr.write(
      `fuzz: ${summary.join(', ')}; resident ${mib(before)} after ${WARM_UP}, ${mib(after)} after ${requests}\n`,
    );
    expect(grown).toBeLessThan(GROWTH_MAX_BYTES * (requests - WARM_UP));
    // A fuzzer that no longer reaches the handlers would pass for ever.
    for (const status of [200, 201, 301, 303, 308, 400, 403, 404, 405, 409, 413, 414, 415, 417, 421, 422, 431]) {
      expect({ status, seen: (counts.get(status) ?? 0) > 0 }).toEqual({ status, seen: true });
    }
    expect(server.stderr()).not.toMatch(/"level":"(error|fatal)"/);
    // It still does what it is for.
    let redirects = 0;
    for (const [i, code] of codes.entries()) {
      const { status, headers } = await ask(server.port, `/${code}`);
      if (status === 410) continue;
      expect([status, headers.location]).toEqual([301, `https://example.com/${i}`]);
      redirects += 1;
    }
    expect(redirects).toBeGreaterThan(LINKS / 2);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  } finally {
    await server.stop();
  }
}
