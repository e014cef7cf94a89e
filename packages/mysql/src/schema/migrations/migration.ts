/**
 * One step of the schema, forward only. A step that was released is never changed: databases remember its checksum. Data
 * definition commits by itself, so a crash may leave a step half done, and servers may meet in one: every statement has to
 * be harmless when it is repeated.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}
