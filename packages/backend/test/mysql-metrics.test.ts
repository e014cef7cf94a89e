import type { ReplicaReader } from '@lakh/mysql';
import { createLogger } from '@lakh/process';
import { Registry } from 'prom-client';
import {
  createMysqlObserver,
  databaseHealth,
  databaseSource,
  type MemberTroubles,
  noTroubles,
} from '../src/cluster/mysql-metrics';

/** What the check `database` says, the observer that it hears of members by, and what that has logged. */
function openCheck(writes = true) {
  const troubles = noTroubles();
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ program: 'test', serverId: 'server', level: 'info', stream });
  const observer = createMysqlObserver(new Registry(), log, troubles);
  const told = () => lines.splice(0).map((line) => JSON.parse(line) as { msg: string; member: string; level: string });
  return { observer, check: () => databaseHealth(troubles, writes), told };
}

test('a primary that is away is told from a replica that is, until another takes its place', () => {
  const { observer, check } = openCheck();
  observer.primary('a', undefined);
  observer.role('a', 'primary', '');
  observer.role('b', 'replica', '');
  expect(check()).toEqual({ status: 'ok' });

  observer.role('b', 'away', 'no answer');
  expect(check()).toEqual({ status: 'degraded', detail: 'b: no answer' });
  observer.role('b', 'replica', '');

  observer.role('a', 'away', 'refused');
  observer.availability('a', false, 'refused');
  expect(check()).toEqual({ status: 'degraded', detail: 'the primary a: refused' });
  observer.primary('b', 'a');
  observer.role('b', 'primary', '');
  expect(check()).toEqual({ status: 'degraded', detail: 'a: refused' });
});

test('links can be looked up where the primary answers, whoever else is away; without it those that a replica has', () => {
  const replica = { name: 'b', lagMs: 0 } as ReplicaReader;
  const status = (troubles: Partial<MemberTroubles>, available: boolean, reader?: ReplicaReader) =>
    databaseSource({ ...noTroubles(), ...troubles }, { available, reader: () => reader }).status;
  const away = new Map([['b', 'refused']]);
  expect(status({ away, silent: away, primary: 'a' }, true)).toBe('ok');
  expect(status({ readOnly: new Map([['a', '1114']]), primary: 'a' }, true)).toBe('ok');
  expect(status({ silent: new Map([['a', 'no answer']]), primary: 'a' }, true, replica)).toBe('degraded');
  expect(status({ noPrimary: 'two take writes' }, false, replica)).toBe('degraded');
  expect(status({}, false)).toBe('down');
  expect(databaseSource(noTroubles(), { available: false }).status).toBe('down');
});

test('the only server of a database is no primary', () => {
  const { observer, check } = openCheck();
  observer.availability('a', false, 'refused');
  expect(check()).toEqual({ status: 'degraded', detail: 'a: refused' });
});

test('a primary that goes has a line in the log, and one when it is back, however long its replicas answer', () => {
  const { observer, told } = openCheck();
  const lines = () => told().map(({ msg, member }) => `${msg}: ${member}`);
  observer.primary('a:1/lakh', undefined);
  observer.role('a:1/lakh', 'primary', '');
  observer.role('b:1/lakh', 'replica', '');
  lines();
  observer.role('a:1/lakh', 'away', 'no answer within 1000 ms');
  observer.role('b:1/lakh', 'away', 'no answer within 1000 ms');
  expect(lines()).toEqual([
    'the primary of the database does not answer: a:1/lakh',
    'a member of the database: b:1/lakh',
  ]);
  observer.role('a:1/lakh', 'primary', '');
  expect(lines()).toEqual(['the primary of the database answers again: a:1/lakh']);
  observer.role('a:1/lakh', 'away', 'refused');
  observer.primary('b:1/lakh', 'a:1/lakh');
  observer.role('b:1/lakh', 'primary', '');
  observer.role('a:1/lakh', 'replica', '');
  expect(lines()).toEqual([
    'the primary of the database does not answer: a:1/lakh',
    'the primary of the database: b:1/lakh',
    'a member of the database: b:1/lakh',
    'a member of the database: a:1/lakh',
  ]);
});

test.each([
  [true, 'degraded', 'down', 'down'],
  [false, 'degraded', 'down', 'degraded'],
] as const)('who writes (%s): away is %s, refusing rows %s, no primary %s', (writes, away, refusing, none) => {
  const { observer, check } = openCheck(writes);
  const status = () => (check() as { status: string }).status;
  observer.availability('a', false, 'refused');
  expect(status()).toBe(away);
  observer.availability('a', true, '');
  observer.writability('a', false, '1290');
  expect(status()).toBe(refusing);
  observer.writability('a', true, '');
  observer.primaryProblem('no member takes writes');
  expect(status()).toBe(none);
  observer.primaryProblem('');
  expect(status()).toBe('ok');
});

test('what nobody is written to for comes first', () => {
  const { observer, check } = openCheck();
  observer.primary('a', undefined);
  observer.role('a', 'away', 'refused');
  observer.primaryProblem('two members take writes');
  expect(check()).toEqual({ status: 'down', detail: 'two members take writes' });
});
