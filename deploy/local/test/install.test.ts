import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingOf } from '../src/install';
import { withLock } from '../src/lock';
import { withoutDaemonStarts } from '../src/policy-rc';

let dir: string;
let policy: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-install-'));
  policy = join(dir, 'policy-rc.d');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('what is missing is named, with the packages that bring it', () => {
  expect(missingOf(['wrk'], [dir])).toEqual([{ absent: ['wrk'], packages: ['wrk'] }]);
  writeFileSync(join(dir, 'wrk'), '', { mode: 0o755 });
  expect(missingOf(['wrk'], [dir])).toEqual([]);
});

describe('while packages are installed', () => {
  test('the policy forbids daemons to start, and is gone afterwards', async () => {
    const result = await withoutDaemonStarts(async () => {
      expect(readFileSync(policy, 'utf8')).toMatch(/^#!\/bin\/sh\n.*\nexit 101\n$/);
      expect(statSync(policy).mode & 0o111).toBe(0o111);
      return 7;
    }, policy);
    expect(result).toBe(7);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('a policy that was there is put back, also after a failure', async () => {
    writeFileSync(policy, 'theirs', { mode: 0o755 });
    await expect(withoutDaemonStarts(() => Promise.reject(new Error('apt failed')), policy)).rejects.toThrow(
      'apt failed',
    );
    expect(readFileSync(policy, 'utf8')).toBe('theirs');
    expect(readdirSync(dir)).toEqual(['policy-rc.d']);
  });

  test('what a killed run left behind is neither taken for theirs nor lost', async () => {
    writeFileSync(policy, 'theirs');
    let ours = '';
    await withoutDaemonStarts(async () => {
      ours = readFileSync(policy, 'utf8');
    }, policy);
    // As after a SIGKILL in the middle.
    writeFileSync(`${policy}.before-lakh`, 'theirs');
    writeFileSync(policy, ours);
    await withoutDaemonStarts(async () => {}, policy);
    expect(readFileSync(policy, 'utf8')).toBe('theirs');
    expect(existsSync(`${policy}.before-lakh`)).toBe(false);
  });

  test('a signal reaches the installation, and the policy is restored', async () => {
    const run = withoutDaemonStarts(
      (interrupted) => new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve())),
      policy,
    );
    process.emit('SIGTERM');
    await expect(run).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('a lock', () => {
  const options = { waitMs: 5_000, what: 'another one' };

  test('lets one in at a time, and all in the end, also after one that fails', async () => {
    let inside = 0;
    let most = 0;
    const visits = Array.from({ length: 6 }, (_, index) =>
      withLock(join(dir, 'lock'), options, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise(setImmediate);
        inside -= 1;
        if (index === 2) throw new Error('this one fails');
      }),
    );
    const results = await Promise.allSettled(visits);
    expect(results.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
    expect(most).toBe(1);
  });

  test('whose file is removed meanwhile is the one that then stands there', async () => {
    const file = join(dir, 'lock');
    let second: Promise<void> | undefined;
    let isOver = false;
    await withLock(file, options, async () => {
      second = withLock(file, options, async () => expect(isOver).toBe(true));
      rmSync(file);
      await withLock(file, options, async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
      });
      isOver = true;
    });
    await second;
    expect(existsSync(file)).toBe(true);
  });

  test('is not waited for longer than said', async () => {
    await withLock(join(dir, 'lock'), options, () =>
      expect(withLock(join(dir, 'lock'), { ...options, waitMs: 0 }, async () => {})).rejects.toMatchObject({
        code: 'busy',
      }),
    );
  });
});
