import type { FactStore } from '@lakh/facts';
import type { Connection } from './connection.js';
import { LINK_ERRORS } from './group-commit.js';

export function openFactStore(connection: Connection): FactStore {
  const select = connection.prepare('SELECT value FROM settings WHERE name = ?');
  const insert = connection.prepare('INSERT INTO settings (name, value) VALUES (?, ?)');
  const update = connection.prepare('UPDATE settings SET value = ? WHERE name = ? AND value = ?');

  return {
    read: async (name) => connection.read(LINK_ERRORS, () => select.get([name])?.[0] as string | undefined),

    async recordOnce(name, value) {
      return connection.write(LINK_ERRORS, () => {
        const recorded = select.get([name]);
        if (recorded !== undefined) return recorded[0] as string;
        insert.run([name, value]);
        return value;
      });
    },

    async replace(name, expected, value) {
      return connection.write(LINK_ERRORS, () => update.run([value, name, expected]).changes === 1);
    },
  };
}
