import type { ZkBuilding, ZkError, ZkNodeStat, ZkRequests } from '@lakh/zookeeper';
import { CODES, type ZkAnswer, type ZkOp, type ZkRequest } from './ensemble.js';

/** What an answer means to whoever asked. */
export type Answered = (answer: ZkAnswer) => void;

const NO_STAT: ZkNodeStat = { version: -1, ephemeralOwner: Buffer.alloc(8) };

class SimulatedZkError extends Error implements ZkError {
  readonly code: number;
  constructor(code: number) {
    super(`code ${code}`);
    this.name = `code ${code}`;
    this.code = code;
  }
}

/** In node-zookeeper-client's place: hands each request on, and calls back as the library does. */
export function simulatedClient(send: (request: ZkRequest, answered: Answered) => void): ZkRequests {
  return {
    create: (path, data, _acls, _mode, callback) =>
      send({ op: 'create', path, data }, ({ code }) => callback(errorOf(code), path)),
    remove: (path, version, callback) => send({ op: 'remove', path, version }, ({ code }) => callback(errorOf(code))),
    setData: (path, data, version, callback) =>
      send({ op: 'setData', path, data, version }, ({ code, stat }) => callback(errorOf(code), stat ?? NO_STAT)),
    getData: (path, callback) =>
      send({ op: 'getData', path }, ({ code, data, stat }) => callback(errorOf(code), data, stat ?? NO_STAT)),
    // The library takes this one refusal for an answer.
    exists: (path, callback) =>
      send({ op: 'exists', path }, ({ code, stat }) =>
        callback(code === CODES.noNode ? null : errorOf(code), stat ?? null),
      ),
    getChildren: (path, callback) =>
      send({ op: 'getChildren', path }, ({ code, children }) => callback(errorOf(code), children ?? [], NO_STAT)),
    transaction: () => building(send),
  };
}

function building(send: (request: ZkRequest, answered: Answered) => void): ZkBuilding {
  const ops: ZkOp[] = [];
  const self: ZkBuilding = {
    create: (path, data) => {
      ops.push({ op: 'create', path, data });
      return self;
    },
    check: (path) => {
      ops.push({ op: 'check', path });
      return self;
    },
    commit: (callback) =>
      send({ op: 'transaction', path: ops[0]?.path ?? '', ops }, ({ codes = [] }) => {
        const failed = codes.find((code) => code !== CODES.ok);
        callback(
          failed === undefined ? null : errorOf(failed),
          codes.map((err) => (err === CODES.ok ? {} : { err })),
        );
      }),
  };
  return self;
}

function errorOf(code: number): ZkError | null {
  return code === CODES.ok ? null : new SimulatedZkError(code);
}
