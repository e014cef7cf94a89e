import { CodedError } from '@lakh/base';

/** There is no data file where LAKH_DATA_DIR says. */
export class DataFileMissingError extends CodedError {
  readonly code = 'data_file_missing';
}

/** The running server did not answer, or with something else than an answer. */
export class ServerUnreachableError extends CodedError {
  readonly code = 'server_unreachable';
}

/** A refusal that the running server gave; its code is the server's. */
export class RemoteError extends CodedError {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
