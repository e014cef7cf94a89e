const TABLES = ['links', 'heads', 'changes', 'edit_receipts'];

/** Keeps what the tables of links and their log have now. @returns what puts it back, as a backup is put back */
export async function keepTables(sql: (statements: string) => Promise<unknown>): Promise<() => Promise<void>> {
  for (const table of TABLES) {
    await sql(`DROP TABLE IF EXISTS kept_${table}; CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);
  }
  return async () => {
    const puts = TABLES.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept_${table}`);
    await sql(`START TRANSACTION; ${puts.join('; ')}; COMMIT`);
  };
}
