import type { Facts } from './exchange.ts';
import type { RequestCount } from './local-aws.ts';

/** How many requests were answered, and how. A request whose connection was reset has status 0. */
export class RequestCounts {
  readonly #counts = new Map<string, { -readonly [K in keyof RequestCount]: RequestCount[K] }>();

  add({ service, operation, bucket, account }: Facts, status: number): void {
    const name = `${service}\n${operation}\n${bucket}\n${account}\n${status}`;
    const found = this.#counts.get(name);
    if (found === undefined) this.#counts.set(name, { service, operation, bucket, account, status, count: 1 });
    else found.count += 1;
  }

  list(): readonly RequestCount[] {
    return [...this.#counts.values()];
  }

  reset(): void {
    this.#counts.clear();
  }
}
