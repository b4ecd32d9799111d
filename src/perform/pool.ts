/** Sessions of one kind, lent to one piece of work at a time; as many at once as the limit says, the others wait. */
export class Pool<T extends AsyncDisposable> implements AsyncDisposable {
  readonly #open: () => Promise<T>;
  /** Told that a further one was refused: fewer will do, so that the run is slower. */
  readonly #isRefusal: (error: unknown) => boolean;
  #limit: number;
  #lent = 0;
  #idle: T[] = [];
  readonly #waiting: (() => void)[] = [];
  #refusal: string | undefined;

  constructor(limit: number, open: () => Promise<T>, isRefusal: (error: unknown) => boolean) {
    this.#limit = limit;
    this.#open = open;
    this.#isRefusal = isRefusal;
  }

  /** The session goes back when the work has ended; after a failure it is of no more use. */
  async use<R>(work: (session: T) => Promise<R>): Promise<R> {
    const session = await this.#take();
    try {
      const result = await work(session);
      this.#idle.push(session);
      return result;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    } finally {
      this.#lent--;
      this.#waiting.shift()?.();
    }
  }

  /** A session for work that may leave it changed: it is of no more use afterwards. */
  async useUp<R>(work: (session: T) => Promise<R>): Promise<R> {
    const session = await this.#take();
    try {
      return await work(session);
    } finally {
      await session[Symbol.asyncDispose]();
      this.#lent--;
      this.#waiting.shift()?.();
    }
  }

  async #take(): Promise<T> {
    for (;;) {
      if (this.#lent >= this.#limit) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        continue;
      }
      this.#lent++;
      const idle = this.#idle.pop();
      if (idle) return idle;
      try {
        return await this.#open();
      } catch (error) {
        this.#lent--;
        // One that is there already can do the work too.
        if (this.#lent + this.#idle.length === 0 || !this.#isRefusal(error)) {
          this.#waiting.shift()?.();
          throw error;
        }
        this.#limit = this.#lent + this.#idle.length;
        this.#refusal = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** How many there may be: fewer than wished for, once a further one was refused. */
  get limit(): number {
    return this.#limit;
  }

  /** Why there are fewer than wished for. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Ends those that nobody has. */
  async [Symbol.asyncDispose](): Promise<void> {
    const idle = this.#idle;
    this.#idle = [];
    await Promise.all(idle.map((session) => session[Symbol.asyncDispose]()));
  }
}
