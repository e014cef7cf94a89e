export { CertificateAuthority, type Identity } from './certificates.js';
export * from './facts/index.js';
export * from './fault-proxy.js';
export * from './id-range/index.js';
export * from './links/index.js';
export * from './program.js';
export { until } from './until.js';
