import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { BodyLines } from '../src/index.js';

const linesOf = (text: string) =>
  new BodyLines(Readable.from([Buffer.from(text)], { objectMode: false }) as IncomingMessage, 1000);

test('blank lines are none, but are counted', async () => {
  const got = [];
  for await (const line of linesOf('\n \r\n\t\n1\n\n2')) got.push([line.number, line.value]);
  expect(got).toEqual([
    [4, 1],
    [6, 2],
  ]);
});

test('blank lines, which no limit counts, cost a fraction of what others do', async () => {
  const COUNT = 100_000;
  async function costMs(line: string): Promise<number> {
    const lines = linesOf(line.repeat(COUNT));
    const { user } = process.cpuUsage();
    for await (const _ of lines);
    return (process.cpuUsage().user - user) / 1000;
  }
  const [blank, others] = [[] as number[], [] as number[]];
  for (let round = 0; round < 4; round += 1) {
    blank.push(await costMs('\n'));
    others.push(await costMs('1\n'));
  }
  expect(Math.min(...blank) * 8).toBeLessThan(Math.min(...others));
});
