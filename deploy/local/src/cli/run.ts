import { setTimeout as sleep } from 'node:timers/promises';
import { columns } from '@lakh/base';
import { SettingsError } from '@lakh/settings';
import type { LocalSettings } from '../config.js';
import { LocalError } from '../errors.js';
import { openStack, type Stack } from '../stack/stack.js';
import type { StackStatus } from '../stack/status.js';
import { type Command, parseCommand } from './args.js';
import { helpText } from './help.js';
import { type Interruption, watchInterruption } from './interruption.js';
import { follow, tailOf } from './logs.js';

const WATCH_POLL_MS = 500;

export interface CliOptions {
  readonly argv: readonly string[];
  /** The repository. */
  readonly root: string;
  /** Read when a verb needs it: help works in any environment. */
  readonly settings: () => LocalSettings;
  /** Answers. */
  readonly out: (data: string | Uint8Array) => void;
  /** Progress and errors, one line. */
  readonly report: (line: string) => void;
}

/** Runs one command; resolves with the exit status: 0 done, 1 failed, 2 a mistake of the caller's. */
export async function runCli(options: CliOptions): Promise<number> {
  try {
    await run(parseCommand(options.argv), options);
    return 0;
  } catch (error) {
    if (!(error instanceof LocalError)) {
      options.report(error instanceof Error ? error.message : String(error));
      return error instanceof SettingsError ? 2 : 1;
    }
    options.report(error.message);
    if (error.code === 'usage') options.report('see: npm run stack -- --help');
    return error.exitCode;
  }
}

async function run(command: Command, options: CliOptions): Promise<void> {
  const { out, report } = options;
  if (command.verb === 'help') {
    out(helpText(command.of));
    return;
  }
  const settings = options.settings();
  const stack = openStack({ dir: command.dir, root: options.root, settings, report });
  switch (command.verb) {
    case 'up':
      for (const name of settings.ignoredSettings) report(`${name} is ignored: the stack decides it`);
      return up(stack, command, settings, options);
    case 'status': {
      const status = await stack.status();
      out(command.isJson ? `${JSON.stringify(status)}\n` : statusTable(status));
      return;
    }
    case 'logs':
      return logs(stack, command, out);
    case 'kill':
      return stack.kill(command.name, command.signal);
    case 'start':
      return stack.start(...command.names);
    case 'restart':
      return stack.restart(...command.names);
    case 'reshard':
      return stack.reshard(command.name);
    case 'promote':
      return stack.promote(command.name);
    case 'scale':
      return stack.scale(command.targets);
    case 'env':
      for (const [name, value] of Object.entries(stack.environment())) out(`${name}=${forShell(value)}\n`);
      return;
    case 'down':
      return stack.down({ wipe: command.isWiping });
  }
}

async function up(
  stack: Stack,
  command: Extract<Command, { verb: 'up' }>,
  settings: LocalSettings,
  { out, report }: CliOptions,
): Promise<void> {
  const interruption = watchInterruption({ watchLauncher: settings.underNpm });
  try {
    const { stop, hurry } = interruption;
    const { url } = await stack.up({ ...command.layout, signal: stop, hurry });
    out(`${url}\n`);
    if (command.isDetached) return;
    report('Ctrl-C stops it');
    if (await watchUntilStopped(stack, interruption, report)) await stack.down({ hurry });
  } finally {
    interruption.dispose();
  }
}

/** Says which processes end. True when interrupted, false when another command has stopped the stack. */
async function watchUntilStopped(
  stack: Stack,
  { stop }: Interruption,
  report: (line: string) => void,
): Promise<boolean> {
  let before = stack.running();
  while (!stop.aborted) {
    await sleep(WATCH_POLL_MS, undefined, { signal: stop }).catch(() => {});
    const now = stack.running();
    for (const { name, pid } of before) {
      if (!now.some((running) => running.pid === pid)) report(`${name} (pid ${pid}) has ended`);
    }
    if (now.length === 0) return false;
    before = now;
  }
  return true;
}

async function logs(
  stack: Stack,
  { name, lines, isFollowing }: Extract<Command, { verb: 'logs' }>,
  out: CliOptions['out'],
): Promise<void> {
  const file = stack.logFile(name);
  const { text, endBytes } = tailOf(file, lines);
  out(text);
  if (!isFollowing) return;
  const interruption = watchInterruption({ watchLauncher: false });
  try {
    await follow(file, endBytes, out, interruption.stop);
  } finally {
    interruption.dispose();
  }
}

function placeOf(words: readonly (string | undefined)[]): readonly string[] {
  const known = words.filter((word) => word !== undefined);
  return known.length === 0 ? [] : [`(${known.join(', ')})`];
}

function statusTable({ processes }: StackStatus): string {
  const rows = [
    ['NAME', 'ROLE', 'STATE', 'PID', 'URL', 'ADMIN'],
    ...processes.map(({ name, role, state, pid, url, adminUrl, shard, databaseRole, redisRole }) => [
      name,
      [role, ...placeOf([shard, databaseRole ?? redisRole])].join(' '),
      state,
      pid === null ? '-' : String(pid),
      url,
      adminUrl ?? '-',
    ]),
  ];
  return columns(rows)
    .map((line) => `${line}\n`)
    .join('');
}

/** As it is wherever a shell leaves it as it is; quoted otherwise. */
function forShell(value: string): string {
  return /^[\w./:@,=+%~-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
