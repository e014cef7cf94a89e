import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseInvocation } from '../src/args.js';
import { COMMANDS } from '../src/commands.js';
import { cliReference, commandHelp, generalHelp } from '../src/help.js';

const invocation = (...argv: string[]) => {
  const parsed = parseInvocation(argv, '1.2.3');
  if ('text' in parsed) throw new Error(parsed.text);
  return parsed;
};
const printout = (...argv: string[]) => {
  const parsed = parseInvocation(argv, '1.2.3');
  if (!('text' in parsed)) throw new Error(`${parsed.command} would run`);
  return parsed;
};

describe('arguments', () => {
  test('name a command, its argument and its options, in any order', () => {
    expect(invocation('ranges', 'list', '--limit', '5', '--json')).toMatchObject({
      command: 'ranges list',
      counts: new Map([['limit', 5]]),
      json: true,
    });
    expect(invocation('ranges', '--apply', 'repair')).toMatchObject({
      command: 'ranges repair',
      flags: new Set(['apply']),
      json: false,
    });
    expect(invocation('audit', 'Q0u')).toMatchObject({ command: 'audit', argument: 'Q0u' });
    expect(invocation('ranges', 'show', '--code', '100000')).toMatchObject({
      argument: '100000',
      flags: new Set(['code']),
    });
    expect(invocation('restore', '--dry-run')).toMatchObject({ command: 'restore', flags: new Set(['dry-run']) });
    // A code may begin with a hyphen nowhere, so one after -- is refused by the command, not taken for an option here.
    expect(invocation('audit', '--', 'my-alias')).toMatchObject({ argument: 'my-alias' });
  });

  test.each([
    [['nope'], /unknown command: nope/],
    [['ranges'], /unknown command: ranges: ranges is followed by list, show, summary, check, repair\n/],
    [['ranges', 'lost'], /unknown command: ranges lost: ranges is followed by list, /],
    [['--verbose'], /unknown command: --verbose\n/],
    [['audit'], /<code> is missing/],
    [['audit', 'a', 'b'], /unexpected argument: b/],
    [['ranges', 'check', 'now'], /unexpected argument: now/],
    [['ranges', 'list', '--limit'], /limit/],
    [['ranges', 'list', '--limit', '0'], /positive integer, not "0"/],
    [['ranges', 'list', '--limit', '1e3'], /positive integer/],
    [['ranges', 'check', '--apply'], /^lakh: Unknown option '--apply'\n/],
    [['restore', '--dryrun'], /--dryrun/],
  ])('%j is wrong usage, exit status 2, and says why', (argv, why) => {
    const { exitCode, stream, text } = printout(...argv);
    expect([exitCode, stream]).toEqual([2, 'stderr']);
    expect(text).toMatch(why);
  });

  test('the version is told', () => {
    expect(printout('--version')).toEqual({ exitCode: 0, stream: 'stdout', text: 'lakh 1.2.3\n' });
  });

  test('without any, the help goes to stderr as wrong usage; asked for, to stdout', () => {
    expect(printout()).toEqual({ exitCode: 2, stream: 'stderr', text: generalHelp() });
    for (const argv of [['--help'], ['-h'], ['help'], ['nope', '--help']]) {
      expect(printout(...argv)).toEqual({ exitCode: 0, stream: 'stdout', text: generalHelp() });
    }
  });
});

describe('help', () => {
  test.each(COMMANDS)('$name has a summary, examples that parse, and help of its own', (command) => {
    const help = printout(...command.name.split(' '), '--help');
    expect(help).toEqual({ exitCode: 0, stream: 'stdout', text: commandHelp(command) });
    expect(generalHelp()).toContain(command.summary);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      expect(help.text).toContain(example);
      const argv = (example.split(' lakh -- ')[1] as string).replace(/ >.*/, '').split(' ');
      expect(invocation(...argv).command).toBe(command.name);
    }
  });

  test('lists the settings and the exit statuses', () => {
    for (const name of ['LAKH_ZOOKEEPER', 'LAKH_DATABASE', 'LAKH_DATA_DIR', 'LAKH_RESTORE_SKIP']) {
      expect(generalHelp()).toContain(`${name}=`);
    }
    expect(generalHelp()).not.toContain('[required]');
    expect(generalHelp()).toContain('Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 problems were found.');
  });

  test('what runbooks say to type is a command, once the shell knows the word', () => {
    const folder = join(__dirname, '..', '..', '..', 'docs', 'runbooks');
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toContain('\nlakh() { npm run --silent lakh -- "$@"; }\n');
    for (const page of readdirSync(folder)) {
      const text = readFileSync(join(folder, page), 'utf8');
      const typed = [...text.matchAll(/(?:`|^ *)lakh ((?:[a-z-]+ ?)+(?:--?[a-z-]+|[A-Z]+)?)/gm)].map(
        (match) => match[1],
      );
      if (typed.length === 0) continue;
      expect([page, text.includes('README.md#what-to-type') || page === 'README.md']).toEqual([page, true]);
      for (const command of typed) {
        expect([page, command, invocation(...(command as string).trim().split(' ')).command]).toEqual([
          page,
          command,
          expect.any(String),
        ]);
      }
    }
  });

  test('docs/reference/cli.md is what the commands say (node scripts/write-reference.mjs)', () => {
    const file = join(__dirname, '..', '..', '..', 'docs', 'reference', 'cli.md');
    expect(readFileSync(file, 'utf8')).toBe(cliReference());
  });
});
