/** Servers that are killed, frozen, stopped and started. */
import { zookeeperMode } from '@lakh/local';
import { MARIADB, REDIRECT, REDIS, SHORTEN, type System, ZOOKEEPER } from '../system.js';
import { type FaultContext, last, type MakeFault } from './fault.js';

/** Names of what may be hit; one is chosen. */
type Choose = (context: FaultContext) => Promise<string> | string;

const anyShorten: Choose = ({ random }) => random.pick(SHORTEN);
const anyRedirect: Choose = ({ random }) => random.pick(REDIRECT);
const mariadb: Choose = () => MARIADB;
const redis: Choose = () => REDIS;
const nodeOrLeader: Choose = async ({ random, system }) => {
  const name = random.pick(ZOOKEEPER);
  return random.next() < 0.5 ? name : ((await system.zookeeperLeader()) ?? name);
};

const freezeZookeeper: MakeFault = async (context) => {
  const detail = await frozen(nodeOrLeader)(context);
  for (const name of ZOOKEEPER) await untilServing(context.system, name);
  return detail;
};

const freezeShortenPastSession: MakeFault = async (context) => {
  const { random, system } = context;
  const name = random.pick(SHORTEN);
  await untilRegistered(system);
  await system.freeze(name);
  try {
    await system.untilExpired(name);
    const ms = await last(context, 100, 1_000);
    return `${name}, until ${ms} ms after its session`;
  } finally {
    await system.thaw(name);
  }
};

const rollZookeeper: MakeFault = async ({ system }) => {
  for (const name of ZOOKEEPER) {
    await system.stop(name);
    await system.start(name);
    await untilServing(system, name);
  }
  return 'all, one after another';
};

const downZookeeper: MakeFault = async (context) => {
  await context.system.kill(...ZOOKEEPER);
  const ms = await last(context, 500, 4_000);
  await context.system.start(...ZOOKEEPER);
  return `all, down for ${ms} ms`;
};

/** Resolves when every shorten server that runs has a session. */
export async function untilRegistered(system: System): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const ids = await system.registered();
    const pids = system.stack.running().filter(({ name }) => name.startsWith('shorten'));
    return pids.every(({ pid }) => ids.some((id) => id.includes(`-${pid}-`)));
  };
  await system.until(isThere, 'every shorten server is registered');
}

function killed(choose: Choose): MakeFault {
  return async (context) => {
    const name = await choose(context);
    await context.system.kill(name);
    const ms = await last(context, 0, 2_000);
    await context.system.start(name);
    return `${name}, down for ${ms} ms`;
  };
}

function frozen(choose: Choose): MakeFault {
  return async (context) => {
    const name = await choose(context);
    await context.system.freeze(name);
    try {
      const ms = await last(context, 500, 4_000);
      return `${name}, for ${ms} ms`;
    } finally {
      await context.system.thaw(name);
    }
  };
}

async function untilServing(system: System, name: string): Promise<void> {
  const port = Number(new URL(system.url(name)).port);
  const serves = async (): Promise<boolean> => (await zookeeperMode(port)) !== undefined;
  await system.until(serves, `${name} serves`);
}

function restarted(choose: Choose): MakeFault {
  return async (context) => {
    const name = await choose(context);
    await context.system.stop(name);
    await context.system.start(name);
    return name;
  };
}

export const processFaults = {
  'kill-shorten': killed(anyShorten),
  'kill-redirect': killed(anyRedirect),
  'kill-zookeeper': killed(nodeOrLeader),
  'kill-mariadb': killed(mariadb),
  'kill-redis': killed(redis),
  'freeze-shorten': frozen(anyShorten),
  'freeze-shorten-past-session': freezeShortenPastSession,
  'freeze-redirect': frozen(anyRedirect),
  'freeze-zookeeper': freezeZookeeper,
  'freeze-mariadb': frozen(mariadb),
  'freeze-redis': frozen(redis),
  'restart-shorten': restarted(anyShorten),
  'restart-mariadb': restarted(mariadb),
  'roll-zookeeper': rollZookeeper,
  'down-zookeeper': downZookeeper,
};
