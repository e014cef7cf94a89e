import { CodedError } from '@lakh/base';
import { IdRangeError } from '@lakh/id-range';

/** ZooKeeper answered, and refused: credentials are missing or wrong, or the nodes belong to others. Nothing was applied. */
export class WitnessForbiddenError extends IdRangeError {
  readonly code = 'witness_forbidden';
  constructor(what: string) {
    super(`${what}. See docs/runbooks/witness_forbidden.md`);
  }
}

/** The ensemble's address cannot be used. */
export class InvalidZookeeperAddressError extends CodedError {
  readonly code = 'invalid_zookeeper_address';
}
