import { parseProgramArguments, processSettings } from '../src/index.js';

const program = {
  name: 'lakh-redirect',
  version: '1.2.3',
  description: 'Redirects short links.',
  program: { name: 'redirect', settings: processSettings },
  examples: ['LAKH_LISTEN=127.0.0.1:0 lakh-redirect'],
} as const;

describe('the command line', () => {
  test('without arguments the program runs', () => {
    expect(parseProgramArguments([], program)).toBeUndefined();
  });

  test('--help shows usage, settings with their defaults, and examples', () => {
    const answer = parseProgramArguments(['--help'], program);
    expect(answer).toMatchObject({ exitCode: 0, stream: 'stdout' });
    for (const part of [
      'Redirects short links.',
      'Usage: lakh-redirect',
      'LAKH_DRAIN_TIMEOUT_MS=<an integer from 0 to 600000>',
      '[10000]',
      'LAKH_LISTEN=127.0.0.1:0 lakh-redirect',
    ]) {
      expect(answer?.text).toContain(part);
    }
  });

  test('--version prints one line', () => {
    expect(parseProgramArguments(['--version'], program)).toEqual({
      exitCode: 0,
      stream: 'stdout',
      text: 'lakh-redirect 1.2.3\n',
    });
  });

  test.each([['--port=80'], ['serve'], ['--help=yes'], ['-x']])('%s is refused with exit code 2', (argument) => {
    const answer = parseProgramArguments([argument], program);
    expect(answer).toMatchObject({ exitCode: 2, stream: 'stderr' });
    expect(answer?.text).toContain('--help');
  });
});
