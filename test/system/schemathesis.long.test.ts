/**
 * Requests that schemathesis makes of the API's own description, on a running server: none is answered with a 5xx, and every answer is one
 * that the description has, in status, type, headers and body. Its other checks go by what a description of fields can say alone, and fail
 * where a value fits its field and not the request as a whole.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandalone } from './support/standalone';

jest.setTimeout(900_000);

const SECONDS = 600;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
const NO_LIMIT = '1000000000';

test('what schemathesis makes of the description is answered as that says', async () => {
  if (spawnSync('schemathesis', ['--version']).status !== 0) {
    process.stderr.write('skipped: no schemathesis on the PATH (pip install schemathesis)\n');
    return;
  }
  const server = await startStandalone({
    env: { LAKH_CHANGES_PER_MIN: NO_LIMIT, LAKH_MISSES_PER_MIN: NO_LIMIT, LAKH_WRONG_TOKENS_PER_MIN: NO_LIMIT },
  });
  // It keeps examples beside where it runs.
  const folder = mkdtempSync(join(tmpdir(), 'lakh-schemathesis-'));
  try {
    const options = ['--max-examples', '10000', '--max-time', `${SECONDS}`, '--checks', CHECKS.join(',')];
    const quiet = ['--no-color', '--suppress-health-check', 'all', '--warnings', 'off'];
    const child = spawn('schemathesis', ['run', `${server.url}/api/v1/openapi.json`, ...options, ...quiet], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      told += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    process.stderr.write(`${told.slice(-1500)}\n`);
    expect({ code, told: code === 0 ? '' : told }).toEqual({ code: 0, told: '' });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
