/** A namespace's name: 1 to 32 of a-z, 0-9 and -, the first of them no hyphen. It is part of ZooKeeper's paths and of the ledger's rows. */
export const NAMESPACE_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** @throws RangeError for what cannot be a namespace's name */
export function assertNamespace(name: string): void {
  if (!NAMESPACE_NAME.test(name)) throw new RangeError(`not a namespace: ${JSON.stringify(name)}`);
}
