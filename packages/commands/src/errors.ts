/** The commands' own errors; exit status 1 (docs/reference/errors.md). */
abstract class ToolError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** There is no data file where LAKH_DATA_DIR says. */
export class DataFileMissingError extends ToolError {
  readonly code = 'data_file_missing';
}

/** The running server did not answer, or with something else than an answer. */
export class ServerUnreachableError extends ToolError {
  readonly code = 'server_unreachable';
}

/** A refusal that the running server gave; its code is the server's. */
export class RemoteError extends ToolError {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
