import { Counter, Registry } from 'prom-client';
import { Channel } from '../src/workers/channel.js';
import type { Member } from '../src/workers/member.js';
import { createVoice } from '../src/workers/voice.js';

describe('the page of metrics of several workers', () => {
  test('counts what a worker had said that ends while it is asked', async () => {
    const registry = new Registry();
    const of = new Counter({ name: 'lakh_a_total', help: 'a', registers: [registry] });
    of.inc(7);
    const figures = await registry.getMetricsAsJSON();
    let hear: (message: unknown) => void = () => {};
    let end: (() => void) | undefined;
    const channel = new Channel({
      send(message) {
        const { id } = message as { id: number };
        if (end) setImmediate(end);
        else setImmediate(() => hear({ lakh: 'answer', id, body: figures }));
      },
      onMessage(heard) {
        hear = heard;
      },
    });
    const process = { pid: 1, channel, exited: new Promise<never>(() => {}), kill: () => {} };
    const member: Member = { worker: 1, process, startedMs: 0, state: 'serving' };
    const members = [member];
    const voice = createVoice({
      fleet: { members },
      ...{ count: 1, registry: new Registry(), lifecycle: { state: 'running' }, checks: {} },
    });
    expect(await voice.metricsText()).toContain('lakh_a_total 7');
    end = () => {
      members.pop();
      member.state = 'gone';
      channel.close();
      voice.gone(member);
    };
    expect(await voice.metricsText()).toContain('lakh_a_total 7');
    expect(await voice.metricsText()).toContain('lakh_a_total 7');
  });
});
