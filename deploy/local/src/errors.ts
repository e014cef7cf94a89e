import { CodedError } from '@lakh/base';

/** Every failure that a person at the command line can cause or see: one class, one stable code, one exit status. */
export abstract class LocalError extends CodedError {
  /** 2: the command line or the environment is wrong; 1: it was right, and did not work. */
  abstract readonly exitCode: 1 | 2;
}

/** A verb, option or name that does not exist, or that does not fit the stack as it is. */
export class UsageError extends LocalError {
  readonly code = 'usage';
  readonly exitCode = 2;
}

/** Servers or tools are not installed, and could or might not be. */
export class PackagesMissingError extends LocalError {
  readonly code = 'packages_missing';
  readonly exitCode = 1;
}

/** Another command holds the lock for longer than this one waits. */
export class BusyError extends LocalError {
  readonly code = 'busy';
  readonly exitCode = 1;
}

/** state.json is not one that this version wrote. */
export class StateCorruptError extends LocalError {
  readonly code = 'state_corrupt';
  readonly exitCode = 1;
}

/** The stack's folder is somebody else's, or others may enter or replace it. */
export class NotPrivateError extends LocalError {
  readonly code = 'not_private';
  readonly exitCode = 1;
}

/** The processes are not in a state that allows the verb: up twice, start of one that runs, kill of one that ended. */
export class WrongStateError extends LocalError {
  readonly code = 'wrong_state';
  readonly exitCode = 1;
}

/** A process ended while starting, or did not answer in time; the message ends with its log's tail. */
export class StartFailedError extends LocalError {
  readonly code = 'start_failed';
  readonly exitCode = 1;
}

/** A process is still there after SIGKILL and a wait. */
export class StopFailedError extends LocalError {
  readonly code = 'stop_failed';
  readonly exitCode = 1;
}

/** SIGINT, SIGTERM or a caller's signal ended a verb before it was done. */
export class InterruptedError extends LocalError {
  readonly code = 'interrupted';
  readonly exitCode = 1;
}
