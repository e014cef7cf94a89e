/** What a program that opens a backend has to be told. */
import { migrationSettings, mysqlSettings } from '@lakh/mysql/settings';
import { redisSettings } from '@lakh/redis/settings';
import { optional, type SettingList, withoutDefault } from '@lakh/settings';
import { sqliteSettings } from '@lakh/sqlite';
import { zookeeperSettings } from '@lakh/zookeeper/settings';

/** Of a cluster, as far as redirects need it. */
export const storageSettings = { ...mysqlSettings, ...redisSettings } as const satisfies SettingList;

/** Of a cluster, the whole of it. */
export const clusterSettings = {
  ...zookeeperSettings,
  ...storageSettings,
  ...migrationSettings,
} as const satisfies SettingList;

export const fileSettings = sqliteSettings;

/** Of whichever backend the environment names. */
export const toolSettings = {
  dataDir: withoutDefault(fileSettings.dataDir),
  ...zookeeperSettings,
  zookeeper: optional(zookeeperSettings.zookeeper),
  ...mysqlSettings,
  database: optional(mysqlSettings.database),
} as const satisfies SettingList;
