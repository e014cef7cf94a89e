import { Channel, ChannelClosedError, RefusedError, type Wire } from '../src/workers/channel.js';

/** Two processes' ends; what is sent while `isCut` is lost, as it is when the other end has died. */
function pair() {
  const heard: ((message: unknown) => void)[] = [];
  const cut = { isCut: false };
  const end = (own: number, other: number): Wire => ({
    send(message, onFailed) {
      if (cut.isCut) setImmediate(() => onFailed(new Error('the pipe is broken')));
      else setImmediate(() => heard[other]?.(structuredClone(message)));
    },
    onMessage(hear) {
      heard[own] = hear;
    },
  });
  return { cut, hear: heard, left: new Channel(end(0, 1)), right: new Channel(end(1, 0)) };
}

describe('a channel', () => {
  test('carries questions either way, each to its own answer', async () => {
    const { left, right } = pair();
    right.handle('double', (body: number) => body * 2);
    left.handle('name', async () => 'left');
    expect(await Promise.all([left.ask('double', 2), right.ask('name'), left.ask('double', Infinity)])).toEqual([
      4,
      'left',
      Infinity,
    ]);
  });

  test('tells why a question was refused', async () => {
    const { left, right } = pair();
    right.handle('never', () => {
      throw new Error('not today');
    });
    await expect(left.ask('never')).rejects.toThrow(new RefusedError('not today'));
    await expect(left.ask('nothing')).rejects.toThrow('nobody here answers "nothing"');
  });

  test('that is closed ends what is open, and whatever comes later', async () => {
    const { left, right } = pair();
    right.handle('wait', () => new Promise(() => {}));
    const open = left.ask('wait');
    left.close();
    await expect(open).rejects.toThrow(ChannelClosedError);
    await expect(left.ask('wait')).rejects.toThrow(ChannelClosedError);
  });

  test('whose messages cannot be sent rejects', async () => {
    const { cut, left } = pair();
    cut.isCut = true;
    await expect(left.ask('anything')).rejects.toThrow(ChannelClosedError);
  });

  test('leaves alone what others send', () => {
    const { hear } = pair();
    for (const message of [null, 1, 'text', {}, { lakh: 'other' }, { lakh: 'answer', id: 9 }]) hear[0]?.(message);
  });
});
