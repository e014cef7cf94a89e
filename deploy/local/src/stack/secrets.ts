import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateCorruptError } from '../errors.js';

/** What the stack keeps for itself and its servers, readable by its owner only. */
export const SECRETS_DIR = 'secrets';
/** LAKH_DATABASE of the user that reads and writes rows, and of the one that also makes tables. */
export const DATABASE_FILE = 'database';
export const MIGRATE_DATABASE_FILE = 'database-migrate';
/** LAKH_REDIS, and the digest credentials of LAKH_ZOOKEEPER_AUTH. */
export const REDIS_FILE = 'redis';
export const ZOOKEEPER_AUTH_FILE = 'zookeeper-auth';
/** LAKH_API_TOKENS_FILE. */
export const TOKENS_FILE = 'tokens';

/** The environment of `up`, for servers that are started later: it may hold keys. */
export interface SavedSettings {
  readonly serverSettings: Readonly<Record<string, string>>;
  readonly gatewayRatePerS: number;
  readonly gatewayRequests: number;
  readonly nodeOptions?: string;
}

export function secretFile(dir: string, name: string): string {
  return join(dir, SECRETS_DIR, name);
}

/** Of the database users `lakh` and `lakh_migrate`, of its replicas and of root where its servers share one, of Redis, of ZooKeeper's clients, of its members and of Vitess's servers among themselves; and the API token that deletes. */
const PASSWORDS = [
  'password',
  'migratePassword',
  'redis',
  'zookeeper',
  'quorum',
  'token',
  'replication',
  'databaseRoot',
  'vitess',
] as const;

export type StackPasswords = Readonly<Record<(typeof PASSWORDS)[number], string>>;

/** Random passwords of this stack, made at its first start; of a stack from before there were so many, the rest. */
export function stackPasswords(dir: string): StackPasswords {
  const file = secretFile(dir, 'accounts.json');
  const found = readJson(file) ?? {};
  const known = PASSWORDS.filter((name) => found[name] !== undefined);
  if (known.some((name) => typeof found[name] !== 'string')) throw new StateCorruptError(`${file} is damaged`);
  const all = Object.fromEntries(PASSWORDS.map((name) => [name, found[name] ?? password()])) as StackPasswords;
  if (known.length < PASSWORDS.length) writeSecret(dir, 'accounts.json', JSON.stringify(all));
  return all;
}

export function saveSettings(dir: string, settings: SavedSettings): void {
  writeSecret(dir, 'settings.json', JSON.stringify(settings));
}

export function savedSettings(dir: string): SavedSettings {
  const file = secretFile(dir, 'settings.json');
  const found = readJson(file);
  const hasLimits = [found?.gatewayRatePerS, found?.gatewayRequests].every((limit) => typeof limit === 'number');
  if (found === undefined || !hasLimits || typeof found.serverSettings !== 'object') {
    throw new StateCorruptError(`${file} is missing or damaged: run "down", then "up"`);
  }
  return found as unknown as SavedSettings;
}

/** Atomic, and never readable by others, not even for a moment. */
export function writeSecret(dir: string, name: string, text: string): void {
  mkdirSync(join(dir, SECRETS_DIR), { recursive: true, mode: 0o700 });
  const file = secretFile(dir, name);
  writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

function readJson(file: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, without the text: it holds passwords.
  }
  throw new StateCorruptError(`${file} is damaged`);
}

/** Letters, digits, - and _: needs no escaping in SQL or in a URL. */
function password(): string {
  return randomBytes(24).toString('base64url');
}
