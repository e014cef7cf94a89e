import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attacked, GATEWAY_BODIES, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAddress } from '../wire.js';

/** Each kind, from one address. */
const CONNECTIONS = 25;
const DRIP_MS = 700;
/** Longer than any server waits for a whole request, and than a loaded machine takes to say so. */
const LASTS_MS = 14_000;
/** What an honest client puts up with. */
const PATIENCE_MS = 5_000;
const HONEST_EVERY_MS = 100;

/** Ways to have a connection and to make nothing of it: what is sent at once, and what drips afterwards. */
const KINDS: readonly (readonly [what: string, begin: (host: string) => string, drip: string])[] = [
  ['silent connections', () => '', ''],
  ['a letter of a request line at a time', () => 'G', 'E'],
  ['a letter of a head at a time', (host) => `GET / HTTP/1.1\r\nHost: ${host}\r\nX: `, 'x'],
  ['a header at a time', (host) => `GET / HTTP/1.1\r\nHost: ${host}\r\n`, 'X: x\r\n'],
  ['a letter of a body at a time', (host) => `${post(host)}Content-Length: 16000\r\n\r\n{`, ' '],
  ['a body that never comes', (host) => `${post(host)}Content-Length: 16000\r\n\r\n`, ''],
  ['a chunk at a time', (host) => `${post(host)}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  ['a letter of an extension at a time', (host) => `${post(host)}Transfer-Encoding: chunked\r\n\r\n1;`, 'x'],
  ['a body that is only announced', (host) => `${post(host)}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`, ''],
  [
    'a letter of a form at a time',
    (host) =>
      `${post(host).replace('/api/v1/urls', '/-/shorten').replace('json', 'x-www-form-urlencoded')}Content-Length: 16000\r\n\r\n`,
    'a',
  ],
];

const post = (host: string): string =>
  `POST /api/v1/urls HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;

/** Clients that take as much as they can of a server's connections and time; others are served meanwhile, and servers rid of them in the end. */
export async function slowClients(attacked: Attacked): Promise<Attacks> {
  const { gateway, shorten, redirect, standalone } = attacked;
  const attacks: Attack[] = [];
  for (const at of [gateway, shorten, redirect, standalone]) {
    const { code } = await makeLink(attacked, at.makes ? at : shorten);
    for (const [what, begin, drip] of KINDS) {
      attacks.push({
        what: `${what} at ${at.name}`,
        async run() {
          const begun = begin(`127.0.0.1:${at.port}`);
          const left = await hold(at, begun, drip);
          // nginx bounds bodies by the pause between two reads, and by their number.
          const most = at === gateway && drip !== '' && begun.includes('\r\n\r\n') ? GATEWAY_BODIES : 0;
          return left <= most ? undefined : `${left} connections are still there`;
        },
      });
    }
    attacks.push({ what: `to be served in place of others at ${at.name}`, run: () => honest(attacked, at, code) });
  }
  return { attacks, atOnce: attacks.length };
}

/** How many of the connections the server has left open. */
async function hold({ port }: Listener, begin: string, drip: string): Promise<number> {
  const localAddress = newAddress();
  const open = new Set<Socket>();
  for (let i = 0; i < CONNECTIONS; i += 1) {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    open.add(socket);
    socket.on('error', () => {});
    // What is answered is read, and no more is said then.
    socket.on('data', () => {}).once('end', () => socket.destroy());
    socket.once('close', () => open.delete(socket));
    socket.write(begin);
  }
  const untilMs = performance.now() + LASTS_MS;
  while (open.size > 0 && performance.now() < untilMs) {
    await sleep(DRIP_MS);
    if (drip !== '') for (const socket of open) if (socket.writable) socket.write(drip);
  }
  const left = open.size;
  for (const socket of open) socket.destroy();
  return left;
}

/** Clients of other addresses, who ask as people do. */
async function honest({ witness }: Attacked, at: Listener, code: string): Promise<string | undefined> {
  const paths = [...(at.follows ? [`/${code}`] : []), ...(at.makes ? ['/', `/api/v1/urls/${code}`] : [])];
  const untilMs = performance.now() + LASTS_MS;
  for (let i = 0; performance.now() < untilMs; i += 1) {
    const path = paths[i % paths.length] as string;
    const startedMs = performance.now();
    const status = (await witness.ask({ port: at.port, path, quietMs: PATIENCE_MS })).answers[0]?.status;
    const tookMs = Math.round(performance.now() - startedMs);
    if (status !== 200 && status !== 301) return `${path} got ${status} after ${tookMs} ms`;
    if (tookMs > PATIENCE_MS) return `${path} took ${tookMs} ms`;
    await sleep(HONEST_EVERY_MS);
  }
  return undefined;
}
