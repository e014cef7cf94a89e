import { describeSettings } from '@lakh/settings';
import { stackSettings } from '../settings.js';

export const VERBS = [
  'up',
  'status',
  'logs',
  'kill',
  'start',
  'restart',
  'promote',
  'reshard',
  'scale',
  'env',
  'down',
] as const;
export type Verb = (typeof VERBS)[number];

const COMMON = `
  --dir D         the stack's folder (default ./.stack)
  -h, --help      this text`;

const OVERVIEW = `The whole system on this machine, on loopback only: three ZooKeepers, a MariaDB and a Redis (or several) from Debian's packages, nginx as
the gateway, and shorten and redirect servers.

usage: npm run stack -- VERB [OPTION …]

  up              start it; in the foreground until Ctrl-C, or with --detach in the background
  status          what runs, where, and whether it is ready
  logs NAME       the end of a process's log
  kill NAME       send a process a signal, SIGKILL by default
  start NAME …    start processes that have ended
  restart NAME …  drain and start processes again, one of a kind at a time: restart shorten redirect
  promote NAME    have a replica of the database take the writes
  reshard [NAME]  split a shard of the database in two
  scale …         change the number of shorten or redirect servers: scale shorten=4 redirect=3
  env             what a server of it, or lakh, would be given: LAKH_… lines, secrets included
  down            stop it; data stays unless --wipe
  VERB --help     more about one

Every verb takes --dir D (default ./.stack). Progress goes to stderr, answers to stdout.
Exit status: 0 done, 1 failed, 2 a mistake on the command line or in the environment.

Environment: LAKH_ settings reach the servers, except those that the stack decides (addresses, folders, identities).
${describeSettings(stackSettings)}
`;

const HELP: Readonly<Record<Verb, string>> = {
  up: `usage: npm run stack -- up [--detach] [--shorten N] [--redirect M] [--zookeeper Z] [--db KIND] [--redis KIND] [--port P]

Starts everything and prints the gateway's address. In the foreground it stays until Ctrl-C (or the end of npm), which stops
everything; with --detach it returns when all is ready, or stops what it started and exits 1. A stopped stack's data is used again.

  -d, --detach    leave it running in the background
  --shorten N     shorten servers, 1 to 64 (default 2, or as many as the folder knows)
  --redirect M    redirect servers, 1 to 64 (default 2, or as many as the folder knows)
  --zookeeper Z   ZooKeeper nodes, 1 to 9 (default 3); fixed once the folder is in use
  --db KIND       mariadb (one server, the default), replicas (a primary and two replicas, of which one has what was acknowledged),
                  galera (three nodes; they run as the user mysql, who must be able to enter the folder) or vitess (two shards, a
                  primary and a replica each, behind two vtgates; its programs are LAKH_VITESS's, the PATH's, or built once by Go); fixed once the folder is in use
  --redis KIND    single (one server, the default), sentinel (a master, two replicas and three sentinels) or cluster (three masters with a
                  replica each); what was chosen last in this folder
  --port P        the gateway's port (default: a free one, kept from then on)
${COMMON}
`,
  status: `usage: npm run stack -- status [--json]

Lists every process, and of several databases or Redises which is what. States: starting (runs, but does not answer or cannot serve), ready, draining, exited.

  --json          {"processes": [{"name", "role", "pid", "url", "adminUrl", "state"}]}, with "databaseRole" or "redisRole" where there are several,
                  and "shard" of tablets
${COMMON}
`,
  logs: `usage: npm run stack -- logs NAME [--follow] [--lines N]

Prints the end of a process's log.

  -f, --follow    go on with what is added, until Ctrl-C
  -n, --lines N   how many lines (default 50)
${COMMON}
`,
  kill: `usage: npm run stack -- kill NAME [--signal S]

Sends a signal. SIGKILL (the default), SIGSTOP and SIGCONT reach a server's workers as well; others its main process. Returns
once a SIGKILLed process is gone, at once for any other signal. Nothing is started again by itself.

  -s, --signal S  SIGKILL, SIGTERM, SIGSTOP, SIGCONT …
${COMMON}
`,
  start: `usage: npm run stack -- start NAME …

Starts processes that have ended, on the ports and data that they had, and returns when they answer. A process that drains is
waited for first. ZooKeeper nodes serve only when most of the ensemble runs: one that is started alone is said to wait for a quorum.
${COMMON}
`,
  restart: `usage: npm run stack -- restart NAME …

Drains each process and starts it again, as it is built now; NAME is a process's, or a kind of server: shorten, redirect, zookeeper, mysql,
redis, gateway. Of a kind one is restarted after the other, the next once the one before is ready; a failure ends it there. Of two or more shorten
or redirect servers the others take the requests meanwhile, and none fails.
${COMMON}
`,
  promote: `usage: npm run stack -- promote NAME

Has a replica of the database take the writes, once it has applied what it received; the others follow it. The primary from before gives
up its writes first and follows as well. Of one that is dead or frozen this can only be said: start or restart it, and it follows.
${COMMON}
`,
  reshard: `usage: npm run stack -- reshard [NAME]

Splits a shard of a Vitess in two, while everything goes on: a primary and a replica for each half, each a tablet over a MariaDB of its own,
copy it and take the traffic, and the tablets that had it all end. NAME is a tablet's, vttablet-1; without it the widest shard is split. A range has 256 buckets at most,
and one bucket is not split.
${COMMON}
`,
  scale: `usage: npm run stack -- scale [shorten=N] [redirect=M]

Adds servers, or drains and removes those with the highest numbers; the gateway follows.
Requests in flight finish; connections that are idle at that moment are closed, as HTTP allows.
${COMMON}
`,
  env: `usage: npm run stack -- env

Prints what one more server of this stack, or the lakh tool, would be given, a NAME=value a line: addresses, settings and secrets, and
LAKH_TOKEN, which the API asks for to delete. What a shell would take apart is quoted: set -a; . <(npm run -s stack -- env); set +a
${COMMON}
`,
  down: `usage: npm run stack -- down [--wipe]

Stops everything: the gateway, then the servers behind it, then what these need. What does not end in time is killed.

  --wipe          also remove data, logs and passwords
${COMMON}
`,
};

export function helpText(of?: Verb): string {
  return of === undefined ? OVERVIEW : HELP[of];
}
