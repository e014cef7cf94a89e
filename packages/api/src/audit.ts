import type { EditorOptions, RemoverOptions, RestorerOptions, ShortenerOptions } from '@lakh/links';
import type { Logger } from '@lakh/process';

/** A log line for each alias: of a counter the ledger knows who leased it. Once more, as `replayed`, for a request that is sent again with its key. */
export function auditClaims(log: Logger): NonNullable<ShortenerOptions['onClaimed']> {
  return ({ link: { domainId, code, createdAtMs }, replayed }, { kind, name }) => {
    const createdAt = new Date(createdAtMs).toISOString();
    log.info({ domainId, code, createdAt, actor: { kind, name }, ...(replayed && { replayed }) }, 'alias claimed');
  };
}

/** A log line for each delete: what is left of the link does not tell who took it down. */
export function auditDeletes(log: Logger): NonNullable<RemoverOptions['onRemoved']> {
  return ({ domainId, code, version }, { kind, name }) =>
    log.info({ domainId, code, version, actor: { kind, name } }, 'link deleted');
}

/** A log line for each restore: the link itself tells only that it is there. */
export function auditRestores(log: Logger): NonNullable<RestorerOptions['onRestored']> {
  return ({ domainId, code, version }, { kind, name }) =>
    log.info({ domainId, code, version, actor: { kind, name } }, 'link restored');
}

/** A log line for each edit: the link itself tells only what it is now. Targets are for nobody's log. */
export function auditEdits(log: Logger): NonNullable<EditorOptions['onEdited']> {
  return ({ domainId, code, version }, { kind, name }) =>
    log.info({ domainId, code, version, actor: { kind, name } }, 'link edited');
}
