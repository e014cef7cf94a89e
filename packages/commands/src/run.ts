import { SettingsError } from '@lakh/settings';
import { type Invocation, parseInvocation } from './args.js';
import { keyCommand } from './key-commands.js';
import { exportLedger, importLedger } from './ledger-stream.js';
import { openSystem } from './open.js';
import type { SystemOperations } from './operations-on.js';
import {
  group,
  renderAudit,
  renderBootstrap,
  renderCheck,
  renderRange,
  renderRepair,
  renderRestore,
  renderRows,
  renderSummary,
} from './render.js';
import type { CommandSettings } from './settings.js';
import { tokenCommand } from './token-commands.js';

export type ExitCode = 0 | 1 | 2 | 3;

export interface RunOptions {
  readonly argv: readonly string[];
  readonly version: string;
  /** Reads the environment; throws a SettingsError. */
  readonly config: () => CommandSettings;
  /** Resolves when the text has been taken. */
  readonly stdout: (text: string) => Promise<void>;
  readonly stderr: (text: string) => Promise<void>;
}

interface Outcome {
  readonly answer: unknown;
  readonly text: string;
  readonly exitCode?: ExitCode;
}

/** Runs one command to its exit status. Never rejects. */
export async function run({ argv, version, config, stdout, stderr }: RunOptions): Promise<ExitCode> {
  const parsed = parseInvocation(argv, version);
  if ('text' in parsed) {
    await (parsed.stream === 'stdout' ? stdout : stderr)(parsed.text);
    return parsed.exitCode;
  }
  try {
    const outcome = await execute(parsed, config(), { stdout, stderr });
    if (outcome.text !== '') await stdout(parsed.json ? `${JSON.stringify(outcome.answer)}\n` : outcome.text);
    return outcome.exitCode ?? 0;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const named = typeof code === 'string' ? code : 'failed';
    const words = typeof message === 'string' ? message : String(error);
    if (parsed.json) await stdout(`${JSON.stringify({ error: { code: named, message: words } })}\n`);
    await stderr(`lakh: ${named}: ${words}\n`);
    return error instanceof SettingsError ? 2 : 1;
  }
}

async function execute(
  invocation: Invocation,
  settings: CommandSettings,
  { stdout, stderr }: Pick<RunOptions, 'stdout' | 'stderr'>,
): Promise<Outcome> {
  const { command, flags } = invocation;
  if (command.startsWith('token ')) {
    const outcome = tokenCommand(invocation, settings.apiTokensFile);
    await stderr(`lakh: this is ${settings.apiTokensFile}\n`);
    return outcome;
  }
  if (command === 'migrate') {
    const { database } = settings;
    if (database === undefined)
      throw new SettingsError(['LAKH_DATABASE is required: it says which database to migrate']);
    const { memberName, migrateCluster } = await import('@lakh/backend/cluster');
    await stderr(`lakh: this is ${database.map(memberName).join(', ')}\n`);
    const answer = await migrateCluster({
      database,
      onProgress: (migration, { table, rows, ofAbout }) =>
        void stderr(`lakh: ${migration}: ${rows} of about ${ofAbout} rows of ${table}\n`),
    });
    const { applied } = answer;
    const done = applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`;
    return { answer, text: `${answer.database}: ${done}\n` };
  }
  const isFirst = command === 'import' || (command === 'bootstrap' && !flags.has('adopt'));
  const system = await openSystem(settings, {
    makes: isFirst,
    restores: command === 'restore',
    changes: isChange(invocation),
    tell: (progress) => stderr(`lakh: ${progress}\n`),
  });
  try {
    return await operate(invocation, settings, system.operations, stdout);
  } finally {
    await system.close();
  }
}

function isChange({ command, flags }: Invocation): boolean {
  if (command === 'ranges repair') return flags.has('apply');
  if (command.startsWith('key ')) return command !== 'key list';
  return command === 'import' || command === 'bootstrap' || (command === 'restore' && !flags.has('dry-run'));
}

async function operate(
  invocation: Invocation,
  { restoreSkip: skip }: CommandSettings,
  operations: SystemOperations,
  stdout: RunOptions['stdout'],
): Promise<Outcome> {
  const { command, argument, flags, counts } = invocation;
  if (command.startsWith('key ')) return keyCommand(invocation, operations);
  switch (command) {
    case 'ranges list': {
      const [before, limit] = [counts.get('before'), counts.get('limit')];
      const answer = await operations.list({
        ...(before === undefined ? {} : { before }),
        ...(limit === undefined ? {} : { limit }),
      });
      return { answer, text: renderRows(answer) };
    }
    case 'ranges show': {
      const isCounter = /^\d{1,13}$/.test(argument) && !flags.has('code');
      const answer = await operations.show(isCounter ? { counter: Number(argument) } : { code: argument });
      return { answer, text: renderRange(answer) };
    }
    case 'ranges summary': {
      const answer = await operations.summary();
      return { answer, text: renderSummary(answer) };
    }
    case 'ranges check': {
      const answer = await operations.check();
      return { answer, text: renderCheck(answer), exitCode: answer.ok ? 0 : 3 };
    }
    case 'ranges repair': {
      const answer = await operations.repair({ apply: flags.has('apply') });
      return { answer, text: renderRepair(answer, { apply: 'lakh ranges repair --apply' }) };
    }
    case 'audit': {
      const answer = await operations.audit({ code: argument });
      return { answer, text: renderAudit(answer), exitCode: answer.contradictions.length === 0 ? 0 : 3 };
    }
    case 'bootstrap': {
      const answer = await operations.bootstrap({ adopt: flags.has('adopt'), skip, force: flags.has('force') });
      return { answer, text: renderBootstrap(answer) };
    }
    case 'restore': {
      const answer = await operations.restore({ apply: !flags.has('dry-run'), skip, force: flags.has('force') });
      return { answer, text: renderRestore(answer) };
    }
    case 'export':
      await exportLedger(operations, stdout);
      return { answer: undefined, text: '' };
    case 'import': {
      const answer = await importLedger(operations, argument);
      const text = `${group(answer.added)} rows added, ${group(answer.present)} were there; the head is ${group(answer.head)}: now run lakh ranges repair --apply\n`;
      return { answer, text };
    }
    default:
      throw new Error(`${command} opens no system`);
  }
}
