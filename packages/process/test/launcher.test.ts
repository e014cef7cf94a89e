import { describeLauncher, type ProcessFacts, readProcess } from '../src/launcher.js';

/** pid → facts; a process group of 10 unless said otherwise. */
function processes(table: Record<number, Partial<ProcessFacts>>) {
  const read = (pid: number): ProcessFacts | undefined =>
    table[pid] && { command: 'node', parentPid: 1, processGroup: 10, startedAt: String(pid), ...table[pid] };
  return { table, read };
}

describe('the launcher', () => {
  test('of a process under a shell is the shell’s parent', () => {
    const { table, read } = processes({ 10: { command: 'npm start' }, 11: { command: 'sh', parentPid: 10 }, 12: {} });
    const launcher = describeLauncher({ pid: 12, ppid: 11 }, read);
    expect(launcher?.isAlive()).toBe(true);
    delete table[10];
    expect(launcher?.isAlive()).toBe(false);
  });

  test('whose pid went to another process is dead', () => {
    const { table, read } = processes({ 10: {}, 11: { command: 'dash', parentPid: 10 }, 12: {} });
    const launcher = describeLauncher({ pid: 12, ppid: 11 }, read);
    table[10] = { startedAt: 'later' };
    expect(launcher?.isAlive()).toBe(false);
  });

  test('is gone when the parent is another one', () => {
    const { read } = processes({ 10: { command: 'npm start' }, 12: {} });
    const self = { pid: 12, ppid: 10 };
    const launcher = describeLauncher(self, read);
    expect(launcher?.isAlive()).toBe(true);
    self.ppid = 1;
    expect(launcher?.isAlive()).toBe(false);
  });

  test('of a process that leads its own group is nobody: it was detached', () => {
    const { read } = processes({ 10: {}, 12: { processGroup: 12 } });
    expect(describeLauncher({ pid: 12, ppid: 10 }, read)).toBeUndefined();
  });

  test('without /proc is the parent alone', () => {
    const self = { pid: 12, ppid: 10 };
    const launcher = describeLauncher(self, () => undefined);
    expect(launcher?.isAlive()).toBe(true);
    self.ppid = 1;
    expect(launcher?.isAlive()).toBe(false);
  });

  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('a process reads its own line of /proc', () => {
    expect(readProcess(process.pid)).toMatchObject({
      parentPid: process.ppid,
      startedAt: expect.stringMatching(/^\d+$/),
    });
    expect(readProcess(2 ** 30)).toBeUndefined();
  });
});
