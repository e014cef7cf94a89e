import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { OneBuffer } from '../../src/wire/one-buffer.js';
import { Asker, get, startLanes } from './support.js';

/** A connection, both ends. */
async function pair(): Promise<{ ours: Socket; theirs: Socket; close(): void }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  return {
    ours,
    theirs,
    close() {
      for (const end of [ours, theirs]) end.destroy();
      server.close();
    },
  };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((next) => setImmediate(next));
};

test('the bytes of each connection are told at the beginning of one buffer', async () => {
  const one = new OneBuffer();
  const pairs = [await pair(), await pair()];
  const told: string[] = [];
  const buffers = new Set<Buffer>();
  pairs.forEach(({ ours }, i) => {
    const isRead = one.read(ours, (length, buffer) => {
      buffers.add(buffer);
      told.push(`${i} ${buffer.toString('latin1', 0, length)}`);
    });
    expect(isRead).toBe(true);
  });
  for (const [i, text] of ['longer text', 'text', 'x'].entries()) {
    pairs[i % 2]?.theirs.write(text);
    await until(() => told.length === i + 1);
  }
  expect(told).toEqual(['0 longer text', '1 text', '0 x']);
  expect(buffers.size).toBe(1);
  for (const { close } of pairs) close();
});

test('a paused connection is not read, and its end is told', async () => {
  const { ours, theirs, close } = await pair();
  let told = '';
  new OneBuffer().read(ours, (length, buffer) => {
    told += buffer.toString('latin1', 0, length);
    ours.pause();
  });
  theirs.write('a');
  await until(() => told === 'a');
  theirs.end('b');
  for (let turns = 0; turns < 50; turns += 1) await new Promise((next) => setImmediate(next));
  expect(told).toBe('a');
  const ended = once(ours, 'end');
  ours.resume();
  await until(() => told === 'ab');
  ours.resume();
  await ended;
  close();
});

test('what was released comes as data, each chunk its own', async () => {
  const [one, { ours, theirs, close }, other] = [new OneBuffer(), await pair(), await pair()];
  let told = 0;
  for (const each of [ours, other.ours])
    one.read(each, () => {
      told += 1;
    });
  one.release(ours);
  const chunks: Buffer[] = [];
  ours.on('data', (chunk: Buffer) => chunks.push(chunk));
  theirs.write('first');
  await until(() => chunks.length === 1);
  other.theirs.write('other');
  await until(() => told === 1);
  theirs.write('second');
  await until(() => chunks.length === 2);
  expect(chunks.map(String)).toEqual(['first', 'second']);
  close();
  other.close();
});

test('a Node that has it in another way is left alone, and so is what has no connection', async () => {
  const socket = new Socket();
  expect(new OneBuffer().read(socket, () => {})).toBe(false);
  const { server, port, lanes, drain } = await startLanes();
  server.prependListener('connection', (each: { _handle: object }) => {
    Object.defineProperty(each._handle, 'useUserBuffer', { value: undefined });
  });
  const client = await new Asker(port).connected();
  client.send(get('/hit'));
  await client.answers(1);
  client.send(get('/slow'));
  await until(() => lanes.wire.length === 2);
  client.send(get('/hit-again'));
  await lanes.answer('/slow');
  await client.answers(3);
  expect(lanes.wire).toEqual(['/hit', '/slow', '/hit-again']);
  client.send(`${get('/hit')}${get('/hit')}`);
  await client.answers(5);
  expect(lanes.http).toEqual(['/hit', '/hit']);
  await drain(100);
});
