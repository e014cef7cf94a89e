export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/**
 * From root to somebody without its rights, for good. What was opened stays open; files are from now on the other's to read or not, and the
 * kernel shows nobody but root this process's memory and environment.
 */
export function becomeUser({ uid, gid }: Ids): void {
  if (!process.setgroups || !process.setgid || !process.setuid) {
    throw new Error('LAKH_RUN_AS: this system has no user ids');
  }
  // The user last: without root's rights the others could not be set.
  process.setgroups([]);
  process.setgid(gid);
  process.setuid(uid);
}
