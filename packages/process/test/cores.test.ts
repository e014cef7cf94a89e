import { availableCores } from '../src/workers/cores.js';

const files =
  (texts: Readonly<Record<string, string>>) =>
  (path: string): string | undefined =>
    texts[path];

describe('the cores that a process may use', () => {
  test.each([
    ['no cgroup', {}, 8],
    ['no quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 8],
    ['a quota of two', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
    ['one and a half, rounded', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 2],
    ['one and a bit', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '120000 100000\n' }, 1],
    ['less than one', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '10000 100000\n' }, 1],
    ['more than there are', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '6400000 100000\n' }, 8],
    [
      'a quota of a level above',
      {
        '/proc/self/cgroup': '0::/lakh.slice/lakh.service\n',
        '/sys/fs/cgroup/lakh.slice/lakh.service/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/lakh.slice/cpu.max': '300000 100000\n',
      },
      3,
    ],
    [
      'a path that a container does not see',
      { '/proc/self/cgroup': '0::/../..\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' },
      2,
    ],
    [
      'version 1',
      {
        '/proc/self/cgroup': '5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '400000\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      },
      4,
    ],
    [
      'version 1 without a quota',
      {
        '/proc/self/cgroup': '4:cpu:/\n0::/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      8,
    ],
    ['files that say nothing', { '/proc/self/cgroup': 'x\n0::/\n', '/sys/fs/cgroup/cpu.max': '\n' }, 8],
    ['nonsense', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '0 0\n' }, 8],
  ])('%s', (_, texts, expected) => {
    expect(availableCores(8, files(texts))).toBe(expected);
  });

  test('of this machine are one at least', () => {
    expect(availableCores()).toBeGreaterThanOrEqual(1);
  });
});
