import type { Facts } from './exchange.ts';
import type { Fault, RequestMatch } from './local-aws.ts';
import { toBytes } from './byte-string.ts';

/** Which requests go wrong, and how often still. The first fault that matches is the one that strikes. */
export class Faults {
  #armed: { readonly fault: Fault; left: number }[] = [];

  inject(fault: Fault): void {
    this.#armed.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault that strikes this request, if any; a fault with `times` has been used once more then. */
  strike(facts: Facts): Fault | undefined {
    if (this.#armed.length === 0) return undefined;
    const struck = this.#armed.find(({ fault }) => matches(fault.match, facts));
    if (struck === undefined) return undefined;
    struck.left -= 1;
    if (struck.left <= 0) this.#armed = this.#armed.filter((armed) => armed !== struck);
    return struck.fault;
  }
}

function matches(match: RequestMatch, facts: Facts): boolean {
  return (
    (match.service ?? facts.service) === facts.service &&
    (match.method ?? facts.method) === facts.method &&
    (match.operation ?? facts.operation) === facts.operation &&
    (match.bucket ?? facts.bucket) === facts.bucket &&
    (match.key === undefined || toBytes(match.key) === facts.key) &&
    (match.account ?? facts.account) === facts.account
  );
}
