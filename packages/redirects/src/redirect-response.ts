import type { ServerResponse } from 'node:http';
import { type Answer, sendAnswer } from '@lakh/http';
import type { Link, RedirectStatus } from '@lakh/links';

/** How this server redirects where a link does not say otherwise. */
export interface RedirectPolicy {
  readonly status: RedirectStatus;
  readonly maxAgeS: number;
}

/** What a redirect's answer is made of. Few fields: a hit on one of many links pays for each object that it has to fetch from memory. */
export interface RedirectAnswer {
  /** 303 behind a form. */
  readonly status: RedirectStatus | 303;
  readonly location: string;
  /** One string for all links of one age, so that it stays in the processor's cache. */
  readonly cacheControl: string;
}

/** What following a link comes to: nearly always a redirect, or a page that asks something first. */
export type Followed = RedirectAnswer | Answer;

/**
 * The answer that sends a client to a link's target, as it may be sent until `nowMs`. `Cache-Control` is always there and
 * bounded: RFC 9111 lets a client keep a bare 301 for as long as it likes, and then no edit would ever reach it.
 */
export type AnswerOf = (link: Link, nowMs: number) => RedirectAnswer;

export function createAnswers(policy: RedirectPolicy): AnswerOf {
  const cacheControls = new Map<number, string>();

  function cacheControlOf(maxAgeS: number): string {
    const known = cacheControls.get(maxAgeS);
    if (known !== undefined) return known;
    const text = `private, max-age=${maxAgeS}`;
    cacheControls.set(maxAgeS, text);
    return text;
  }

  return (link, nowMs) => {
    const leftS = link.expiresAtMs === null ? policy.maxAgeS : Math.floor((link.expiresAtMs - nowMs) / 1000);
    return {
      status: link.redirectStatus ?? policy.status,
      location: link.longUrl,
      cacheControl: cacheControlOf(Math.max(0, Math.min(policy.maxAgeS, leftS))),
    };
  };
}

/** Whether a header may hold it. Links are stored without what may not; node:http looks all the same, and so does whoever writes without it. */
export const isSendable = (location: string): boolean => !/[^\t\x20-\x7e\x80-\xff]/.test(location);

/** Its headers as a flat list, which Node takes as it is. */
export function redirectHeaders({ location, cacheControl }: RedirectAnswer): string[] {
  return [
    'Location',
    location,
    'Cache-Control',
    cacheControl,
    'X-Robots-Tag',
    'noindex',
    // An explicit length spares the chunked encoding of an empty body.
    'Content-Length',
    '0',
  ];
}

export function sendRedirect(response: ServerResponse, answer: RedirectAnswer): void {
  response.writeHead(answer.status, redirectHeaders(answer));
  response.end();
}

export function sendFollowed(response: ServerResponse, followed: Followed): void {
  if ('location' in followed) sendRedirect(response, followed);
  else sendAnswer(response, followed);
}
