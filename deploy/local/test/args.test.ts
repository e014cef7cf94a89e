import { parseCommand } from '../src/cli/args';
import { helpText, VERBS } from '../src/cli/help';
import { UsageError } from '../src/errors';

const dir = './.stack';

describe('the command line of the stack', () => {
  test.each([
    ['up', { verb: 'up', dir, isDetached: false, layout: {} }],
    [
      'up --detach --shorten 4 --redirect=3',
      { verb: 'up', dir, isDetached: true, layout: { shorten: 4, redirect: 3 } },
    ],
    ['up -d --zookeeper 1 --port 8080 --dir /x y', undefined],
    ['up --dir=/x --port 8080', { verb: 'up', dir: '/x', isDetached: false, layout: { port: 8080 } }],
    ['up --redis cluster', { verb: 'up', dir, isDetached: false, layout: { redis: 'cluster' } }],
    ['up --db replicas', { verb: 'up', dir, isDetached: false, layout: { db: 'replicas' } }],
    ['promote mysql-2', { verb: 'promote', dir, name: 'mysql-2' }],
    ['reshard vttablet-2', { verb: 'reshard', dir, name: 'vttablet-2' }],
    ['reshard', { verb: 'reshard', dir, name: undefined }],
    ['status --json', { verb: 'status', dir, isJson: true }],
    ['logs shorten-1 -f -n 5', { verb: 'logs', dir, name: 'shorten-1', isFollowing: true, lines: 5 }],
    ['logs shorten-1', { verb: 'logs', dir, name: 'shorten-1', isFollowing: false, lines: 50 }],
    ['kill redis-1', { verb: 'kill', dir, name: 'redis-1', signal: 'SIGKILL' }],
    ['kill redis-1 --signal stop', { verb: 'kill', dir, name: 'redis-1', signal: 'SIGSTOP' }],
    ['kill redis-1 -s SIGCONT', { verb: 'kill', dir, name: 'redis-1', signal: 'SIGCONT' }],
    ['start a b', { verb: 'start', dir, names: ['a', 'b'] }],
    ['restart shorten redirect-1', { verb: 'restart', dir, names: ['shorten', 'redirect-1'] }],
    ['scale shorten=4 redirect=3', { verb: 'scale', dir, targets: { shorten: 4, redirect: 3 } }],
    ['env --dir /x', { verb: 'env', dir: '/x' }],
    ['down --wipe', { verb: 'down', dir, isWiping: true }],
    ['', { verb: 'help' }],
    ['--help', { verb: 'help' }],
    ['help scale', { verb: 'help', of: 'scale' }],
    ['scale --help', { verb: 'help', of: 'scale' }],
  ])('%s', (line, expected) => {
    const argv = line.split(' ').filter(Boolean);
    if (expected === undefined) expect(() => parseCommand(argv)).toThrow(UsageError);
    else expect(parseCommand(argv)).toEqual(expected);
  });

  test.each([
    'frobnicate',
    'up extra',
    'up --shorten 0',
    'up --redis several',
    'up --shorten 65',
    'up --shorten 2x',
    'up --shorten=-1',
    'up --zookeeper 10',
    'up --port 65536',
    'up --json',
    'up --db oracle',
    'up --db=',
    'promote',
    'promote mysql-1 mysql-2',
    'reshard vttablet-1 vttablet-2',
    'up --dir=',
    'status now',
    'logs',
    'logs a b',
    'logs a --lines 1.5',
    'kill',
    'kill a --signal SIGNOPE',
    'kill a --signal constructor',
    'start',
    'restart',
    'scale',
    'scale shorten',
    'scale shorten=',
    'scale shorten=0',
    'scale mysql=2',
    'scale shorten=1 shorten=2',
    'env LAKH_TOKEN',
    'down --detach',
  ])('%s is refused with exit status 2', (line) => {
    try {
      parseCommand(line.split(' '));
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({ exitCode: 2, code: 'usage' });
      return;
    }
    throw new Error('accepted');
  });

  test('each verb has a help text that names it, and the overview names them all', () => {
    for (const verb of VERBS) {
      expect(helpText(verb)).toContain(`npm run stack -- ${verb}`);
      expect(helpText(verb)).toContain('--dir');
      expect(helpText()).toMatch(new RegExp(`^ {2}${verb} `, 'm'));
    }
  });
});
