/**
 * Questions and answers between a supervisor and a worker, either way, over the channel that node:child_process has between them: in order,
 * and whole as long as both live. A question may have a connection with it. What ends the channel ends every question that is open.
 */
import type { Socket } from 'node:net';

/** What a channel needs of a process: messages are plain values, structured clones of what was sent. */
export interface Wire {
  /** Keeps what it sends of a socket: both have the connection then. */
  send(message: unknown, onFailed: (error: Error) => void, socket?: Socket): void;
  onMessage(heard: (message: unknown, socket?: Socket) => void): void;
}

/** Answers, or rejects: the other side is told the error's message. */
export type Answering = (body: never, socket: Socket | undefined) => unknown;

/** The other process has ended, or the channel to it has. */
export class ChannelClosedError extends Error {}

/** The other process could not do what it was asked. */
export class RefusedError extends Error {}

interface Question {
  readonly lakh: 'question';
  readonly id: number;
  readonly name: string;
  readonly body: unknown;
}

interface Answer {
  readonly lakh: 'answer';
  readonly id: number;
  readonly body?: unknown;
  /** In place of a body. */
  readonly refusal?: string;
}

interface Open {
  readonly resolve: (body: never) => void;
  readonly reject: (error: Error) => void;
}

export class Channel {
  readonly #wire: Wire;
  readonly #open = new Map<number, Open>();
  readonly #answering = new Map<string, Answering>();
  #asked = 0;
  #closed: ChannelClosedError | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onMessage((message, socket) => {
      if (isQuestion(message)) void this.#answer(message, socket);
      else if (isAnswer(message)) this.#settle(message);
    });
  }

  /** Rejects with ChannelClosedError when the other process is gone before it has answered. */
  ask<Result>(name: string, body?: unknown, socket?: Socket): Promise<Result> {
    if (this.#closed) return Promise.reject(this.#closed);
    this.#asked += 1;
    const id = this.#asked;
    return new Promise<Result>((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as Open['resolve'], reject });
      this.#send({ lakh: 'question', id, name, body }, socket);
    });
  }

  /** Who answers the questions of this name. */
  handle<Body>(name: string, answering: (body: Body, socket: Socket | undefined) => unknown): void {
    this.#answering.set(name, answering as Answering);
  }

  /** To be called when the other process is gone. */
  close(): void {
    this.#closed ??= new ChannelClosedError('the other process is gone');
    for (const { reject } of this.#open.values()) reject(this.#closed);
    this.#open.clear();
  }

  #send(message: Question | Answer, socket?: Socket): void {
    const onFailed = (error: Error): void => {
      if (message.lakh === 'question') this.#open.get(message.id)?.reject(new ChannelClosedError(error.message));
      this.#open.delete(message.id);
    };
    this.#wire.send(message, onFailed, socket);
  }

  async #answer({ id, name, body }: Question, socket: Socket | undefined): Promise<void> {
    let answer: Answer;
    try {
      const answering = this.#answering.get(name);
      if (!answering) throw new RefusedError(`nobody here answers "${name}"`);
      answer = { lakh: 'answer', id, body: await answering(body as never, socket) };
    } catch (error) {
      answer = { lakh: 'answer', id, refusal: error instanceof Error ? error.message : String(error) };
    }
    if (!this.#closed) this.#send(answer);
  }

  #settle({ id, body, refusal }: Answer): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (refusal === undefined) open?.resolve(body as never);
    else open?.reject(new RefusedError(refusal));
  }
}

const isQuestion = (message: unknown): message is Question => kindOf(message) === 'question';
const isAnswer = (message: unknown): message is Answer => kindOf(message) === 'answer';

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null ? (message as { lakh?: unknown }).lakh : undefined;
}
