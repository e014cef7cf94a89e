import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const becoming = pathToFileURL(join(__dirname, '..', 'dist', 'run-as.js')).href;
const ids = { uid: 60_801, gid: 60_802 };

/** A program of which nobody but root can read any file. */
function run(program: string): unknown {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-run-as-'));
  try {
    writeFileSync(
      join(dir, 'library.js'),
      "exports.late = () => require('./late.js'); try { require('none') } catch {}",
    );
    writeFileSync(join(dir, 'late.js'), "const { later } = require('./later.js'); exports.word = () => later;");
    writeFileSync(join(dir, 'later.js'), "exports.later = 'here';");
    const start = `
      import { readFileSync, readdirSync } from 'node:fs';
      import library from './library.js';
      import { becomeUser } from ${JSON.stringify(becoming)};
      const said = (act) => { try { return act(); } catch (error) { return error.code; } };
      becomeUser(${JSON.stringify(ids)});
      console.log(JSON.stringify((${program})()));`;
    writeFileSync(join(dir, 'main.mjs'), start);
    const { stdout, stderr } = spawnSync(process.execPath, [join(dir, 'main.mjs')], { encoding: 'utf8', cwd: '/' });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('a program that root starts and that becomes somebody else', () => {
  test('is he in every respect, and cannot become root again', () => {
    expect(
      run(`() => [process.getuid(), process.geteuid(), process.getgid(), process.getgroups(),
        said(() => process.setuid(0)), said(() => process.seteuid(0)), said(() => readFileSync('/etc/shadow'))]`),
    ).toEqual([ids.uid, ids.uid, ids.gid, [ids.gid], 'EPERM', 'EPERM', 'EACCES']);
  });

  test('has what its libraries load late, from where only root can read', () => {
    expect(run('() => [said(() => readFileSync(new URL(import.meta.url))), library.late().word()]')).toEqual([
      'EACCES',
      'here',
    ]);
  });

  test('shows its environment to nobody but root, and can still count its own open files', () => {
    expect(
      run("() => [said(() => readFileSync('/proc/self/environ')), readdirSync('/proc/self/fd').length > 0]"),
    ).toEqual(['EACCES', true]);
  });
});
