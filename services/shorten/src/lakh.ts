#!/usr/bin/env node
/** `lakh`: the operator's commands. So far one: bringing the database's schema up to date before servers start. */
import { migrate, openShards, parseShards } from '@lakh/links-mysql';
import { SettingsError } from '@lakh/service-kit';
import { readToolConfig } from './config.js';

const USAGE = `Usage: lakh migrate

Commands:
  migrate   Brings the schema of LAKH_SHARDS up to date, with a user that may create and alter tables.
            Servers can then run with LAKH_MIGRATE=never and a user that may not.

Settings, from the environment: LAKH_SHARDS or LAKH_SHARDS_FILE.

Example:
  LAKH_SHARDS=mysql://lakh_migrate:…@127.0.0.1:3306/lakh npm run lakh -- migrate
`;

async function migrateAll(): Promise<number> {
  const { shards } = readToolConfig();
  const { all } = openShards(parseShards(shards), { deadlineMs: 60_000 });
  try {
    for (const pool of all) {
      const applied = await migrate(pool);
      process.stdout.write(`${pool.name}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}\n`);
    }
    return 0;
  } finally {
    await Promise.all(all.map((pool) => pool.close()));
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command !== 'migrate' || rest.length > 0) {
    process.stderr.write(
      command === undefined ? USAGE : `lakh: unknown command or argument: ${argv.join(' ')}\n\n${USAGE}`,
    );
    return 2;
  }
  try {
    return await migrateAll();
  } catch (error) {
    process.stderr.write(`lakh: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof SettingsError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
