import { createLogger } from '@lakh/process';
import { Registry } from 'prom-client';
import { createMysqlObserver, databaseHealth, noTroubles } from '../src/cluster/mysql-metrics';

/** What the check `database` says, and the observer that it hears of members by. */
function openCheck() {
  const troubles = noTroubles();
  const log = createLogger({ program: 'test', serverId: 'server', level: 'silent' });
  const observer = createMysqlObserver(new Registry(), log, troubles);
  return { observer, check: () => databaseHealth(troubles, true) };
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

test('the only server of a database is no primary', () => {
  const { observer, check } = openCheck();
  observer.availability('a', false, 'refused');
  expect(check()).toEqual({ status: 'degraded', detail: 'a: refused' });
});

test('what nobody is written to for comes first', () => {
  const { observer, check } = openCheck();
  observer.primary('a', undefined);
  observer.role('a', 'away', 'refused');
  observer.primaryProblem('two members take writes');
  expect(check()).toEqual({ status: 'down', detail: 'two members take writes' });
});
