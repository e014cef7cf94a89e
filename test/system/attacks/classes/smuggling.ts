import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attacked, type Listener, linksAmong, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { LONG_QUIET_MS, newAddress } from '../wire.js';
import { newAlias } from '../witness.js';
import { heads } from './smuggled-heads.js';
import { framing, hiddenRequest, type Smuggling } from './smuggled-requests.js';

/** For what may wait for a body that never comes. */
const QUIET_MS = 2_000;
/** For a second answer; what it would tell is looked for once more at the end. */
const QUIET_AFTER_MS = 400;
/** nginx's to what it takes for HTTP/0.9, whose answers have no head. */
const BARE_REFUSAL = /^\{"type":"about:blank","title":"[\w ]+","status":4\d\d,/;
const BYSTANDERS = 4;

/**
 * Requests hidden in requests, at each listener by itself and through the gateway, while others use the gateway on kept connections. What
 * is malformed is refused; no hidden request is made; nobody gets an answer that was another's.
 */
export async function smuggling(attacked: Attacked): Promise<Attacks> {
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of attacked.open) {
    const host = `127.0.0.1:${at.port}`;
    const maker = at.makes ? at : attacked.shorten;
    const { code } = await makeLink(attacked, maker);
    const hidden = new Map<string, string>();
    for (const smuggled of [...framing, ...heads]) {
      const alias = newAlias();
      hidden.set(alias, smuggled.what);
      attacks.push({
        what: `${smuggled.what}, at ${at.name}`,
        run: () => smuggle(attacked, at, smuggled, smuggled.bytes({ host, code, hidden: hiddenRequest(host, alias) })),
      });
    }
    later.push({
      what: `the hidden requests, at ${at.name}`,
      async run() {
        const made = await linksAmong(attacked, maker, [...hidden.keys()]);
        return made.length === 0 ? undefined : `made: ${made.map((alias) => hidden.get(alias)).join('; ')}`;
      },
    });
  }
  later.push({ what: 'to be answered in place of others', run: watchBystanders(attacked.gateway) });
  return { attacks, atOnce: 48, later };
}

async function smuggle(
  { witness }: Attacked,
  { port }: Listener,
  { what, must }: Smuggling,
  bytes: string,
): Promise<string | undefined> {
  const { answers, text, end } = await witness.exchange(what, {
    port,
    pieces: [bytes],
    quietMs: must === 'refused' ? LONG_QUIET_MS : QUIET_MS,
    quietAfterMs: QUIET_AFTER_MS,
  });
  const made = answers.findIndex(({ status }) => status === 201);
  if (made >= 0) return `answer ${made + 1} is a 201`;
  if (text.includes('bystander.example')) return 'an answer that was somebody else’s';
  if (must === 'harmless') return undefined;
  if (answers.length === 0 && text !== '' && !BARE_REFUSAL.test(text))
    return `what is no answer: ${JSON.stringify(text.slice(0, 100))}`;
  const first = answers[0]?.status;
  if (first === undefined) return end === 'closed' ? undefined : 'neither an answer nor an end';
  return first >= 400 && first < 500 ? undefined : `a ${first}`;
}

/** Others, who make links and follow them on kept connections. Ends them, and resolves with what one of them got that was not theirs. */
function watchBystanders({ port }: Listener): () => Promise<string | undefined> {
  const agent = new Agent({ keepAlive: true, maxSockets: BYSTANDERS, localAddress: newAddress() });
  let isOver = false;
  let right = 0;
  let wrong: string | undefined;
  const ask = (method: string, path: string, body?: string) =>
    new Promise<{ status: number; location: string; text: string }>((resolve, reject) => {
      const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': body.length };
      const sent = request({ agent, port, host: '127.0.0.1', method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', text }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const one = async (): Promise<void> => {
    while (!isOver && wrong === undefined) {
      const alias = newAlias();
      const target = `https://bystander.example/${alias}`;
      const made = await ask('POST', '/api/v1/urls', JSON.stringify({ long_url: target, alias }));
      const followed = await ask('GET', `/${alias}`);
      if (made.status !== 201 || !made.text.includes(target)) wrong = `a create got ${made.status} ${made.text}`;
      else if (followed.location !== target) wrong = `a click got ${followed.status} ${followed.location}`;
      else right += 1;
      await sleep(10);
    }
  };
  const all = Promise.all(Array.from({ length: BYSTANDERS }, one));
  all.catch(() => {});
  return async () => {
    isOver = true;
    await all.finally(() => agent.destroy());
    return wrong ?? (right > BYSTANDERS ? undefined : `only ${right} others were there`);
  };
}
