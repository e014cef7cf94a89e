import { CodedError } from '@lakh/base';
import {
  type Face,
  InvalidRequestError,
  type RateLimits,
  type RouteHandler,
  securityHeaders,
  statusOf,
} from '@lakh/http';
import {
  type Clock,
  isPossibleCode,
  type Link,
  LinkGoneError,
  LinkNotFoundError,
  type LinkStore,
  outcomeOf,
  type Resolver,
} from '@lakh/links';
import type { SettingsOf } from '@lakh/settings';
import { PREVIEW_POLICY, renderPreview } from './preview-page.js';
import { drawQr, parseQrStyle } from './qr/index.js';
import type { siteSettings } from './settings.js';
import { SITE_FILE_NAMES, type SiteFileName, siteFilesIn } from './site-files.js';
import { siteRoutes } from './site-routes.js';

export interface SiteOptions {
  readonly domainId: number;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly store: Pick<LinkStore, 'click'>;
  readonly limits: Pick<RateLimits, 'lookUp'>;
  readonly clock: Clock;
  /** What short URLs begin with, without a slash at the end. */
  readonly publicUrl: string;
  readonly settings: SettingsOf<typeof siteSettings>;
}

/** A picture is that of the short link, which leads where it leads: it changes when the link ends, no sooner. */
const PICTURE_MAX_AGE_S = 300;
const FILE_MAX_AGE_S = 300;

/** Previews, pictures and files. What ends a link ends these too. */
export function createSite({
  domainId,
  resolver,
  store,
  limits,
  clock,
  publicUrl,
  settings,
}: SiteOptions): Face<typeof siteRoutes> {
  const readFile = siteFilesIn(settings.siteDir);

  async function find(code: string): Promise<Link> {
    const link = isPossibleCode(code) ? await resolver.resolve(domainId, code) : undefined;
    const fate = outcomeOf(link, clock.nowMs());
    if (link === undefined || fate === 'missing') throw new LinkNotFoundError('There is no link with this code.');
    if (link.state === 'deleted') throw new LinkGoneError('This link was deleted.');
    if (fate === 'gone') throw new LinkGoneError('This link has expired.');
    const { maxClicks } = link.terms ?? {};
    if (maxClicks !== undefined && (await store.click(link, maxClicks, false)) === 'spent') {
      throw new LinkGoneError('This link was followed as often as it may be.');
    }
    return link;
  }

  /** Who asks for what is not there is counted as everybody who tries codes. */
  const ofLink =
    (answer: (link: Link, ...to: Parameters<RouteHandler>) => void): RouteHandler =>
    async (request, response, body) => {
      const end = limits.lookUp(request);
      let link: Link;
      try {
        link = await find(request.params.code as string);
      } catch (error) {
        end(!isMiss(error) && !request.socket.destroyed);
        throw error;
      }
      end(!request.socket.destroyed);
      answer(link, request, response, body);
    };

  const file =
    (name: SiteFileName): RouteHandler =>
    async (_request, response) => {
      const { type, body } = await readFile(name);
      response.set('Cache-Control', `public, max-age=${FILE_MAX_AGE_S}`);
      // Not by express, which adds a charset.
      response.setHeader('Content-Type', type);
      response.end(body);
    };

  return {
    routes: siteRoutes,
    headers: securityHeaders,
    handlers: {
      previewLink: ofLink((link, _request, response) => {
        response
          .set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': PREVIEW_POLICY })
          .type('html')
          .send(renderPreview(link, publicUrl));
      }),
      drawShortLink: ofLink((link, request, response) => {
        const { style, problems } = parseQrStyle(new URL(request.url, publicUrl).searchParams);
        if (problems.length > 0) throw new InvalidRequestError(problems);
        const { contentType, body } = drawQr(`${publicUrl}/${link.code}`, style);
        const leftS = link.expiresAtMs === null ? PICTURE_MAX_AGE_S : (link.expiresAtMs - clock.nowMs()) / 1000;
        response
          .set('Cache-Control', `private, max-age=${Math.max(0, Math.min(PICTURE_MAX_AGE_S, Math.floor(leftS)))}`)
          // Other sites show it on their pages.
          .set('Cross-Origin-Resource-Policy', 'cross-origin')
          .type(contentType)
          .send(body);
      }),
      ...(Object.fromEntries(SITE_FILE_NAMES.map((name) => [name, file(name)])) as Record<SiteFileName, RouteHandler>),
    },
  };
}

function isMiss(error: unknown): boolean {
  const status = error instanceof CodedError ? statusOf(error.code) : undefined;
  return status === 404 || status === 410;
}
