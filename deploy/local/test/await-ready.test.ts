import { awaitReady } from '../src/servers/launch';
import type { Awaited, ServerPlan } from '../src/servers/server';
import { awaitedIn } from '../src/stack/service-plan';

const body = (status: string, detail?: string) =>
  JSON.stringify({ status: 'unready', checks: { links: { status: 'ok' }, ids: { status, detail } } });

test('what a server waits for is read from its readiness, and whether a person has to do something', () => {
  const lasting = 'exhausted: mark_missing: there is no mark. See docs/runbooks/mark_missing.md';
  expect(awaitedIn(body('down', lasting))).toEqual({ what: lasting, isRefusal: true });
  expect(awaitedIn(body('down', 'exhausted: witness_unavailable: not connected'))).toEqual({
    what: 'ids: exhausted: witness_unavailable: not connected',
    isRefusal: false,
  });
  expect(awaitedIn(body('down'))).toEqual({ what: 'ids: down', isRefusal: false });
  expect(awaitedIn(body('degraded', lasting))).toBeUndefined();
  for (const text of ['', 'null', '{}', '{"checks":null}', '<html>']) expect(awaitedIn(text)).toBeUndefined();
});

describe('a server that is not ready', () => {
  const plan = (awaited: Awaited | undefined): ServerPlan => ({
    name: 'shorten-3',
    role: 'shorten',
    host: '127.0.0.1',
    port: 1,
    dir: '/nowhere',
    logFile: '/nowhere/shorten.log',
    command: ['true'],
    env: {},
    stopSignal: 'SIGTERM',
    prepare: async () => {},
    ready: async () => false,
    awaits: async () => awaited,
  });
  const runs = () => false;

  test('says once what it waits for, before the deadline and instead of its log', async () => {
    const told: string[] = [];
    const awaited = { what: 'ids: not connected to ZooKeeper', isRefusal: false };
    const report = (line: string) => void told.push(line);
    await expect(awaitReady(plan(awaited), runs, { deadlineMs: 300, toldMs: 0, report })).rejects.toThrow(
      'shorten-3 is not ready after 300 ms: ids: not connected to ZooKeeper',
    );
    expect(told).toEqual(['shorten-3 is not ready yet: ids: not connected to ZooKeeper']);
  });

  test('that says nothing is told of by its log', async () => {
    await expect(awaitReady(plan(undefined), runs, { deadlineMs: 60 })).rejects.toThrow(
      'shorten-3 did not answer within 60 ms; its log ends with:\n(no log at /nowhere/shorten.log)',
    );
  });

  test('that refuses for good is not waited for', async () => {
    const awaited = { what: 'mark_missing. See docs/runbooks/mark_missing.md', isRefusal: true };
    await expect(awaitReady(plan(awaited), runs)).rejects.toThrow('shorten-3 cannot serve: mark_missing.');
  });
});
