import { Line, turn } from './wire/line.js';
import { codeOf, type Outcome } from './wire/outcomes.js';
import { createRandom } from './wire/random.js';
import { plainParts, render } from './wire/requests.js';
import { serve } from './wire/servers.js';

jest.setTimeout(60_000);

const SEED = 1;
const CLIENTS = 400;
const TARGETS: readonly Outcome[] = ['hit', 'perm', 'miss', 'slow'];

/** Where each answer leads, in the order in which they came. */
const leads = (text: string): string[] => [...text.matchAll(/^Location: (.*)\r$/gm)].map(([, to]) => to as string);

test('whenever bytes come and clients leave, answers have the order of their requests, none comes twice, and nothing is left', async () => {
  const random = createRandom(SEED);
  const served = await serve({ name: 'lane', lane: true });

  async function client(talk: number): Promise<void> {
    const asked = Array.from({ length: random.between(1, 12) }, () => random.pick(TARGETS));
    const text = asked.map((outcome) => render(plainParts(`/${codeOf(outcome, talk % 96)}`))).join('');
    const each = (text.length / asked.length) | 0;
    const leavesAt = random.chance(0.3) ? random.between(0, text.length) : text.length + 1;
    const line = await Line.open(served);
    for (let at = 0; at < text.length && at < leavesAt; ) {
      // A request at a time mostly, as the lane has them; or whatever comes.
      const size = random.chance(0.6)
        ? render(plainParts(`/${codeOf('hit', talk % 96)}`)).length
        : random.between(1, 2 * each);
      line.send(text.slice(at, at + size));
      at += size;
      for (let turns = random.pick([0, 0, 1, 2, 5]); turns > 0; turns -= 1) await turn();
    }
    const expected = asked.map((outcome) =>
      outcome === 'miss' || outcome === 'slow'
        ? 'https://lakh.example/elsewhere'
        : `https://example.com/${codeOf(outcome, talk % 96)}?a=b&c=%C3%A4#f`,
    );
    if (leavesAt > text.length) while (leads(line.received).length < asked.length && !line.hasEnded) await turn();
    line.close();
    const got = leads(line.received);
    expect(got).toEqual(expected.slice(0, got.length));
    if (leavesAt > text.length) expect(got).toHaveLength(asked.length);
  }

  for (let talk = 0; talk < CLIENTS; talk += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => client(talk + i)));
  }
  while (served.sockets.size > 0 || served.http.inFlight > 0) await turn();
  expect(served.reading).toBe(0);

  // A drain between a request and its answer, and between two bytes of one.
  const [waiting, half] = [await Line.open(served), await Line.open(served)];
  const slow = render(plainParts(`/${codeOf('slow', 0)}`));
  waiting.send(slow);
  half.send(slow.slice(0, 20));
  const drained = served.http.drain(5_000);
  half.send(slow.slice(20));
  await drained;
  while (!waiting.hasEnded || !half.hasEnded) await turn();
  expect([leads(waiting.received), leads(half.received)]).toEqual([
    ['https://lakh.example/elsewhere'],
    ['https://lakh.example/elsewhere'],
  ]);
  expect(served.http.inFlight).toBe(0);
});
