import { CodedError } from '@lakh/base';

/** Why a data file could not be opened. */
export abstract class DataFileError extends CodedError {}

/** Another process holds SQLite's lock on the file. It ends with that process, however that process ends. */
export class DataDirInUseError extends DataFileError {
  readonly code = 'data_dir_in_use';
}

/** The folder or the file cannot be made, read or written. */
export class DataDirUnusableError extends DataFileError {
  readonly code = 'data_dir_unusable';
}

/** Not a SQLite file, not a file of this program, or a damaged one. It is left as it is. */
export class DataFileInvalidError extends DataFileError {
  readonly code = 'data_file_invalid';
}

/** A copy of a file that was open, or one that has lost its log: it does not know what was issued. `lakh restore` makes it usable. */
export class RestoreNeededError extends DataFileError {
  readonly code = 'restore_needed';
}

/** A later release wrote the file; schemas only go forward. */
export class DataFileNewerError extends DataFileError {
  readonly code = 'data_file_newer';
}
