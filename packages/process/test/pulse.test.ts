import { setImmediate as nextTurn } from 'node:timers/promises';
import { Channel } from '../src/workers/channel.js';
import type { Member } from '../src/workers/member.js';
import { Pulse } from '../src/workers/pulse.js';

/** A worker that answers while it is let, and later what it was asked while it was not. */
class FakeMember {
  readonly signals: NodeJS.Signals[] = [];
  readonly member: Member;
  isFrozen = false;
  #asked: number[] = [];
  #hear: (message: unknown) => void = () => {};

  constructor(worker: number) {
    const channel = new Channel({
      send: (message) => {
        this.#asked.push((message as { id: number }).id);
        if (!this.isFrozen) void this.thaw();
      },
      onMessage: (hear) => {
        this.#hear = hear;
      },
    });
    const kill = (signal: NodeJS.Signals) => void this.signals.push(signal);
    const process = { pid: worker, channel, exited: new Promise<never>(() => {}), kill };
    this.member = { worker, process, startedMs: 0, state: 'serving' };
  }

  async thaw(): Promise<void> {
    this.isFrozen = false;
    await nextTurn();
    for (const id of this.#asked.splice(0)) this.#hear({ lakh: 'answer', id, refusal: 'whatever' });
    await nextTurn();
  }
}

function looking(...fakes: readonly FakeMember[]) {
  const told: object[] = [];
  const answered: number[] = [];
  const pulse = new Pulse({
    fleet: { members: fakes.map(({ member }) => member) },
    log: { error: (facts: object, text: string) => void told.push({ ...facts, text }) } as never,
    onAnswer: ({ worker }) => void answered.push(worker),
    patience: { serving: 3, starting: 6 },
  });
  const look = async (times: number) => {
    for (let i = 0; i < times; i += 1) {
      pulse.look();
      await nextTurn();
      await nextTurn();
    }
  };
  return { told, answered, look };
}

describe('workers that are asked whether they live', () => {
  test('are let be while they answer, whatever they say', async () => {
    const [a, b] = [new FakeMember(1), new FakeMember(2)];
    const { answered, look } = looking(a, b);
    await look(10);
    expect([a.signals, b.signals]).toEqual([[], []]);
    expect(answered.filter((worker) => worker === 1).length).toBeGreaterThanOrEqual(5);
  });

  test('are killed and named, once, when they have answered nothing for so many looks', async () => {
    const [a, b] = [new FakeMember(1), new FakeMember(2)];
    const { told, look } = looking(a, b);
    await look(2);
    b.isFrozen = true;
    await look(3);
    expect(b.signals).toEqual([]);
    await look(5);
    expect([a.signals, b.signals]).toEqual([[], ['SIGKILL']]);
    expect(told).toEqual([{ worker: 2, pid: 2, text: 'a worker has answered nothing for 3 s and is killed' }]);
  });

  test('have longer before their first answer', async () => {
    const a = new FakeMember(1);
    a.isFrozen = true;
    const { look } = looking(a);
    await look(6);
    expect(a.signals).toEqual([]);
    await a.thaw();
    await look(4);
    a.isFrozen = true;
    await look(5);
    expect(a.signals).toEqual(['SIGKILL']);
  });

  test('are forgiven when they answer late', async () => {
    const a = new FakeMember(1);
    const { look } = looking(a);
    await look(2);
    for (let i = 0; i < 3; i += 1) {
      a.isFrozen = true;
      await look(3);
      await a.thaw();
      await look(3);
    }
    expect(a.signals).toEqual([]);
  });
});
