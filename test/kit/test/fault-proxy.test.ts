import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createFaultProxy, type FaultProxy } from '../src/fault-proxy';

/** A server that answers every piece with the same bytes in upper case, and remembers what it got. */
let server: Server;
let received = '';
let proxy: FaultProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  received = '';
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      received += chunk.toString();
      socket.write(chunk.toString().toUpperCase());
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await createFaultProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  server.close();
});

async function client(): Promise<{ socket: Socket; answers: () => string; errors: string[] }> {
  const socket = connect(proxy.port, proxy.host);
  clients.push(socket);
  let answers = '';
  const errors: string[] = [];
  socket.on('data', (chunk) => {
    answers += chunk.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
  await once(socket, 'connect');
  return { socket, answers: () => answers, errors };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 2_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition never came true');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('passes bytes both ways', async () => {
  const { socket, answers } = await client();
  socket.write('hello');
  await until(() => answers() === 'HELLO');
  expect(proxy.connections).toBe(1);
});

test('passes all that was sent before an end, and what is answered after it', async () => {
  const { socket, answers } = await client();
  const text = 'x'.repeat(4 * 1024 * 1024);
  socket.end(text);
  await until(() => socket.closed);
  expect(answers().length).toBe(text.length);
  await until(() => proxy.connections === 0);
});

test('freezes in the middle of a transfer and goes on where it stopped', async () => {
  const { socket, answers } = await client();
  socket.write('x'.repeat(4 * 1024 * 1024));
  await until(() => answers().length > 0);
  proxy.set({ kind: 'freeze' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const arrived = answers().length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(answers().length).toBe(arrived);
  proxy.set({ kind: 'pass' });
  await until(() => answers().length === 4 * 1024 * 1024);
});

test('freezes without losing anything', async () => {
  const { socket, answers } = await client();
  socket.write('a');
  await until(() => answers() === 'A');
  proxy.set({ kind: 'freeze' });
  socket.write('b');
  const other = await client();
  other.socket.write('c');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received).toBe('a');
  proxy.set({ kind: 'pass' });
  await until(() => answers() === 'AB' && other.answers() === 'C');
});

test('drops answers after the request was applied, for good on that connection', async () => {
  const { socket, answers } = await client();
  proxy.set({ kind: 'drop-answers' });
  socket.write('lost');
  await until(() => received === 'lost');
  proxy.set({ kind: 'pass' });
  socket.write('too');
  await until(() => received === 'losttoo');
  const other = await client();
  other.socket.write('new');
  await until(() => other.answers() === 'NEW');
  expect(answers()).toBe('');
});

test('drops requests', async () => {
  const { socket } = await client();
  proxy.set({ kind: 'drop-requests' });
  socket.write('lost');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received).toBe('');
});

test('cuts after exactly so many bytes of an answer', async () => {
  const { socket, answers } = await client();
  proxy.set({ kind: 'cut', direction: 'answers', afterBytes: 3 });
  socket.write('hello');
  await until(() => socket.closed);
  expect(answers()).toBe('HEL');
  expect(received).toBe('hello');
  expect(proxy.cuts).toBe(1);
  proxy.set({ kind: 'reset' });
  expect(proxy.cuts).toBe(1);
});

test('delays and keeps the order', async () => {
  const { socket, answers } = await client();
  proxy.set({ kind: 'delay', delayMs: 60 });
  const start = performance.now();
  socket.write('1');
  await new Promise((resolve) => setTimeout(resolve, 10));
  socket.write('2');
  await until(() => answers() === '12');
  expect(performance.now() - start).toBeGreaterThan(100);
});

test('resets what is open and what comes', async () => {
  const { socket, errors } = await client();
  proxy.set({ kind: 'reset' });
  await until(() => socket.closed);
  expect(errors).toEqual(['ECONNRESET']);
  const other = connect(proxy.port, proxy.host);
  other.on('error', () => {});
  await until(() => other.closed);
  await until(() => proxy.connections === 0);
});
