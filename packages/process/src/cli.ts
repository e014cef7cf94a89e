/** The command line of a server: it has none but --help and --version, since its settings are environment variables. */
import { parseArgs } from 'node:util';
import { describeSettings, type Program } from '@lakh/settings';

export interface ProgramDescription {
  /** As the user starts it, for instance `lakh-shorten`. */
  readonly name: string;
  readonly version: string;
  /** One or two sentences. */
  readonly description: string;
  /** Its settings, which --help lists. */
  readonly program: Program;
  /** Lines of shell. */
  readonly examples?: readonly string[];
}

/** What to print instead of running. */
export interface ProgramExit {
  readonly exitCode: 0 | 2;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/**
 * @param argv the arguments after the program's file
 * @returns `undefined`: run. Otherwise print and exit: code 0 for --help and --version, 2 for anything unknown.
 */
export function parseProgramArguments(argv: readonly string[], program: ProgramDescription): ProgramExit | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
      strict: true,
      allowPositionals: false,
    });
    if (values.help) return { exitCode: 0, stream: 'stdout', text: helpText(program) };
    if (values.version) return { exitCode: 0, stream: 'stdout', text: `${program.name} ${program.version}\n` };
    return undefined;
  } catch (error) {
    const text = `${program.name}: ${usageReason(error)}\nTry --help; settings are environment variables.\n`;
    return { exitCode: 2, stream: 'stderr', text };
  }
}

/** What `parseArgs` of Node.js found wrong, without its advice on arguments that begin with a hyphen. */
export function usageReason(error: unknown): string {
  return (error as Error).message.replace(/\. To specify a positional argument .*$/s, '');
}

function helpText({ name, version, description, program, examples = [] }: ProgramDescription): string {
  const sections = [
    `${name} ${version}\n\n${description}`,
    `Usage: ${name} [--help] [--version]`,
    `Settings, from the environment [default]:\n${describeSettings(program.settings)}`,
  ];
  if (examples.length > 0) sections.push(`Examples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  return `${sections.join('\n\n')}\n`;
}
