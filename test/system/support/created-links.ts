import { type Answer, ask } from './ask';

export interface CreatedLink {
  readonly code: string;
  readonly longUrl: string;
  /** Which create it was, and at whose address. */
  readonly origin: string;
}

export interface Problem {
  readonly code: string;
  readonly detail: string;
}

/** Creates links and remembers each code that was ever given: one that comes twice is told with both its origins. */
export class CreatedLinks {
  readonly #links = new Map<string, CreatedLink>();
  readonly #repeated: string[] = [];
  #asked = 0;

  get all(): readonly CreatedLink[] {
    return [...this.#links.values()];
  }

  /** Empty, or the broken invariant in words. */
  get repeated(): readonly string[] {
    return this.#repeated;
  }

  /** Asks a server for one link; the answer may be a refusal. */
  async create(baseUrl: string): Promise<Answer> {
    this.#asked += 1;
    const longUrl = `https://example.com/${this.#asked}`;
    const origin = `create ${this.#asked} at ${baseUrl}`;
    const answer = await ask('POST', `${baseUrl}/api/v1/urls`, JSON.stringify({ long_url: longUrl }));
    if (answer.status === 201) this.#add({ code: codeOf(answer), longUrl, origin });
    return answer;
  }

  /** One link that has to be created. */
  async mustCreate(baseUrl: string): Promise<CreatedLink> {
    const answer = await this.create(baseUrl);
    if (answer.status !== 201) throw new Error(`no link: ${answer.status} ${answer.body}`);
    return this.#links.get(codeOf(answer)) as CreatedLink;
  }

  /** Creates, a few at a time, until a server refuses one, and returns that refusal. */
  async untilRefused(baseUrl: string, most: number): Promise<Answer> {
    for (let created = 0; created < most; created += 8) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => this.create(baseUrl)));
      const refused = answers.find(({ status }) => status !== 201);
      if (refused) return refused;
    }
    throw new Error(`${most} links were created, and none refused`);
  }

  #add(link: CreatedLink): void {
    const before = this.#links.get(link.code);
    if (before) this.#repeated.push(`${link.code} twice: ${before.origin}, and ${link.origin}`);
    else this.#links.set(link.code, link);
  }
}

export function problemOf(answer: Answer): Problem {
  return JSON.parse(answer.body) as Problem;
}

function codeOf({ body }: Answer): string {
  return (JSON.parse(body) as { code: string }).code;
}
