/** Why a data file could not be opened: one class, one stable code, one HTTP status (docs/reference/errors.md). */
export abstract class DataFileError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Another process holds SQLite's lock on the file. It ends with that process, however that process ends. */
export class DataDirInUseError extends DataFileError {
  readonly code = 'data_dir_in_use';
  readonly status = 503;
}

/** The folder or the file cannot be made, read or written. */
export class DataDirUnusableError extends DataFileError {
  readonly code = 'data_dir_unusable';
  readonly status = 503;
}

/** Not a SQLite file, not a file of this program, or a damaged one. It is left as it is. */
export class DataFileInvalidError extends DataFileError {
  readonly code = 'data_file_invalid';
  readonly status = 503;
}

/** A later release wrote the file; schemas only go forward. */
export class DataFileNewerError extends DataFileError {
  readonly code = 'data_file_newer';
  readonly status = 503;
}
