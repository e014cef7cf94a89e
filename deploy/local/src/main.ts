/** `npm run stack -- VERB …`: the whole system on one machine. */
import { join } from 'node:path';
import { runCli } from './cli/run.js';
import { readSettings } from './config.js';

// What this and its servers write is their user's alone.
process.umask(0o077);

// `stack logs … | head`: the reader has had enough, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  root: join(import.meta.dirname, '..', '..', '..'),
  settings: readSettings,
  out: (data) => process.stdout.write(data),
  report: (line) => process.stderr.write(`stack: ${line}\n`),
});
