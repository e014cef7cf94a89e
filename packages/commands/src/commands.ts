/** Every command, once: its arguments, its help, and the page docs/reference/cli.md, which a test compares with this. */

export type CommandName =
  | 'ranges list'
  | 'ranges show'
  | 'ranges summary'
  | 'ranges check'
  | 'ranges repair'
  | 'audit'
  | 'bootstrap'
  | 'restore'
  | 'export'
  | 'import'
  | 'migrate'
  | 'key create'
  | 'key list'
  | 'key rotate'
  | 'key revoke'
  | 'token add'
  | 'token list'
  | 'token revoke';

export interface OptionDefinition {
  readonly type: 'boolean' | 'count' | 'text';
  readonly meaning: string;
}

export interface CommandDefinition {
  readonly name: CommandName;
  /** What a positional argument is called, `<…>`; undefined: there is none. */
  readonly argument?: string;
  readonly options: Readonly<Record<string, OptionDefinition>>;
  readonly summary: string;
  /** Sentences below the summary. */
  readonly details: string;
  readonly examples: readonly string[];
}

/** Of what skips. */
const FORCE = {
  type: 'boolean',
  meaning:
    'also where LAKH_RESTORE_SKIP is more than 1,000,000,000, which no repair needs, or less than a restore asks for',
} as const;

const NPM = 'npm run --silent lakh --';

export const COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'ranges list',
    options: {
      limit: { type: 'count', meaning: 'rows at most, 1 to 1000 [50]' },
      before: { type: 'count', meaning: 'only ranges that start below this counter: how to page on' },
    },
    summary: 'The ranges on record, the newest first.',
    details:
      'Issued: counters up to the highest that became a link. Remaining: the rest, which its server still holds or has lost. State: leased; released (given back, waiting for another server); retired, hole, skipped and adopted (nobody issues them).',
    examples: [`${NPM} ranges list`, `${NPM} ranges list --limit 1000 --before 5000000 --json`],
  },
  {
    name: 'ranges show',
    argument: 'counter|code',
    options: { code: { type: 'boolean', meaning: 'take an argument of digits for a code, not for a counter' } },
    summary: 'The range that a counter, or the counter behind a code, belongs to.',
    details: 'Who leased it, where and when.',
    examples: [`${NPM} ranges show 123456`, `${NPM} ranges show Q0u`],
  },
  {
    name: 'ranges summary',
    options: {},
    summary: 'The mark, and what was leased, issued, remains or was lost, in all and by server.',
    details:
      'Reads the whole ledger. Held: what is left to servers that run, as ZooKeeper has them. Not issued, by reason: not_running (left to a server that ended without giving it back, or that ZooKeeper has lost from sight), unrecorded (abandoned leases, on no row), hole, skipped, adopted, retired; released waits for a claim. Why a running server lost what it does not hold any more is in its metric lakh_ids_lost_total and its log.',
    examples: [`${NPM} ranges summary`, `${NPM} ranges summary --json`],
  },
  {
    name: 'ranges check',
    options: {},
    summary: 'Compares ZooKeeper’s mark, the ledger’s head and rows, and the highest counter among the links.',
    details:
      'Exit status 0: nothing is wrong; 3: problems, each under the code with which servers refuse, and which names its page in docs/runbooks. Notes are no problems. Changes nothing.',
    examples: [`${NPM} ranges check`, `${NPM} ranges check --json`],
  },
  {
    name: 'ranges repair',
    options: { apply: { type: 'boolean', meaning: 'do it; without it only says what would be done' } },
    summary: 'Raises both witnesses above every counter that may have been issued, and covers holes in the ledger.',
    details:
      'For every refusal but cluster_mismatch, ledger_not_empty and range_overlap, and after every restore of one witness, whether servers refuse or not, before the other is ever restored. Never lowers anything; servers may go on running, and lease again by themselves. With --apply it then waits twice for LAKH_LEASE_ATTEMPT_MS, which has to be the servers’, and sees to what leases from before have left: it is complete only when it has ended. Harmless when nothing is wrong, when it is interrupted, and when two people do it at once. Needs an answer from both witnesses.',
    examples: [`${NPM} ranges repair`, `${NPM} ranges repair --apply`],
  },
  {
    name: 'audit',
    argument: 'code',
    options: {},
    summary: 'Where a code comes from: its counter, range, server, host, lease time, link and row.',
    details:
      'For aliases and deleted links too. LAKH_SEALED_KEYS is needed only for a sealed code that no link has. Exit status 3: what is on record contradicts itself.',
    examples: [`${NPM} audit Q0u`, `${NPM} audit my-alias --json`],
  },
  {
    name: 'bootstrap',
    options: {
      adopt: { type: 'boolean', meaning: 'links exist already, and neither witness does: begin above them' },
      force: FORCE,
    },
    summary: 'The first start by hand: makes both witnesses, where neither has anything.',
    details:
      'Servers do it by themselves; this is for those who want to see it done first. With --adopt the witnesses begin LAKH_RESTORE_SKIP counters above the highest one on record: for links that were copied from another database, and for ledger_not_empty.',
    examples: [`${NPM} bootstrap`, `${NPM} bootstrap --adopt`],
  },
  {
    name: 'restore',
    options: { 'dry-run': { type: 'boolean', meaning: 'only say what would be done' }, force: FORCE },
    summary: 'After both witnesses, or a data file, were restored from old copies: skips LAKH_RESTORE_SKIP counters.',
    details:
      'Both then agree on a mark that is too low, and only a person can know it. To be run after the data are back and before any server that creates links starts; the data file of a standalone server included, which only this makes usable again after restore_needed. Remainders that were waiting for another server are given up too. Each run skips again. Refused where the skip is less than twice what was leased since the copy at the rate that is on record in it (skip_too_small).',
    examples: [`${NPM} restore`, `LAKH_RESTORE_SKIP=1000000000 ${NPM} restore --dry-run`],
  },
  {
    name: 'export',
    options: {},
    summary: 'Writes the ledger to stdout as JSON lines: its head, then a row a line.',
    details: 'Enough to make the ledger again and, with ranges repair, the mark in an empty ensemble. Holds no links.',
    examples: [`${NPM} export > ledger.jsonl`],
  },
  {
    name: 'import',
    argument: 'file',
    options: {},
    summary: 'Adds the rows of an export that are missing, and raises the head to the export’s.',
    details:
      'The file is checked as a whole before anything is written. Rows that are there stay; one that contradicts the file ends the import. Run ranges repair --apply afterwards.',
    examples: [`${NPM} import ledger.jsonl`],
  },
  {
    name: 'migrate',
    options: {},
    summary: 'Brings the schema of LAKH_DATABASE up to date, with a user that may create and alter tables.',
    details: 'Servers can then run with LAKH_MIGRATE=never and a user that may not.',
    examples: [`LAKH_DATABASE=mysql://lakh_migrate:…@127.0.0.1:3306/lakh ${NPM} migrate`],
  },
  {
    name: 'key create',
    argument: 'name',
    options: {
      owner: { type: 'text', meaning: 'whose the links are that it makes [its name]' },
      scopes: {
        type: 'text',
        meaning: 'some of links:create,links:read,links:write,links:delete,admin [all but admin]',
      },
      reach: { type: 'text', meaning: 'all links, or own: its owner’s [all]' },
      expires: { type: 'text', meaning: 'when it ends, as 2030-01-31T12:00:00Z [never]' },
    },
    summary: 'Makes an API key in the database, and prints it this once.',
    details:
      'Servers with LAKH_API_KEYS=true let it in within two seconds. Its name is what logs call the caller; of valid keys no two have one name. A key with admin may make and revoke keys itself, at /api/v1/keys.',
    examples: [`${NPM} key create ci`, `${NPM} key create alice --scopes links:create,links:read --reach own --json`],
  },
  {
    name: 'key list',
    options: {},
    summary: 'Every key: whose it is, what it may, when it ends, when it was last used.',
    details: 'No key can be read from it. Those that let nobody in any more are listed for 90 days.',
    examples: [`${NPM} key list`, `${NPM} key list --json`],
  },
  {
    name: 'key rotate',
    argument: 'id|name',
    options: {
      overlap: { type: 'count', meaning: 'for so many seconds the old one still lets in [86400]' },
      now: { type: 'boolean', meaning: 'the old one lets nobody in from now on' },
    },
    summary: 'Another key of the same name, owner and scopes, printed this once; the old one ends a day later.',
    details: 'Nothing else changes: allowances, idempotency keys and logs go by the name.',
    examples: [`${NPM} key rotate ci`, `${NPM} key rotate ci --now`],
  },
  {
    name: 'key revoke',
    argument: 'id|name',
    options: {},
    summary: 'Ends a key.',
    details: 'Servers refuse it within two seconds. After a rotation the name means the newer of the two.',
    examples: [`${NPM} key revoke ci`, `${NPM} key revoke 4fTq0Zk1mB2x`],
  },
  {
    name: 'token add',
    argument: 'name',
    options: { rights: { type: 'text', meaning: 'some of create,read,edit,delete,admin [all but admin]' } },
    summary: 'Makes an API token, prints it this once, and keeps its sum in LAKH_API_TOKENS_FILE.',
    details:
      'The file is made where there is none, and is its owner’s alone (mode 0600). The name is what logs call the caller. Servers that have the file take the token within seconds.',
    examples: [
      `LAKH_API_TOKENS_FILE=tokens.txt ${NPM} token add ci`,
      `LAKH_API_TOKENS_FILE=tokens.txt ${NPM} token add watcher --rights read`,
    ],
  },
  {
    name: 'token list',
    options: {},
    summary: 'Who has a token in LAKH_API_TOKENS_FILE, and what each may do.',
    details: 'No token can be read from it.',
    examples: [`LAKH_API_TOKENS_FILE=tokens.txt ${NPM} token list`],
  },
  {
    name: 'token revoke',
    argument: 'name',
    options: {},
    summary: 'Takes a token out of LAKH_API_TOKENS_FILE.',
    details:
      'Servers that have the file refuse it within seconds. When the last one is gone, nobody may do what needs one.',
    examples: [`LAKH_API_TOKENS_FILE=tokens.txt ${NPM} token revoke ci`],
  },
];
