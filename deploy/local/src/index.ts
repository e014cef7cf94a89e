export * from './errors.js';
export * from './install.js';
export * from './servers/launch.js';
export * from './servers/mariadb.js';
export * from './servers/redis.js';
export * from './servers/server.js';
export * from './servers/zookeeper.js';
