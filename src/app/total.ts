import { RestageError } from '../errors.ts';
import type { App } from './client.ts';
import { isBetween, isSameFigure } from './figure.ts';
import { valueAt } from './json-path.ts';
import { askUntilRight, type Answered, type Patience } from './patience.ts';
import { shown } from './shown.ts';

/** A figure of an application. */
export interface TotalPlace {
  readonly path: string;
  readonly read: string;
  /** The target's table whose rows it must tell; absent: what the source's application tells. */
  readonly table?: string | undefined;
}

/** `source`: what it must be, by the source's application or as the number of the table's rows. */
export interface Total {
  readonly source: unknown;
  readonly target: unknown;
}

/** One value of an answer. Throws `app-unexpected` where it is not there. */
export async function readValue(
  app: App,
  { path, read }: Pick<TotalPlace, 'path' | 'read'>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  const value = valueAt(body, read);
  if (status >= 400 || value === undefined)
    throw new RestageError(
      'app-unexpected',
      `GET ${app.url}${path} answered HTTP ${status}${status >= 400 ? `: ${shown(body)}` : ` without ${read}`}`,
    );
  return value;
}

/**
 * The total of the target's application, and what it must be: `reference` is asked before it, and after it where they differ,
 * for rows may come meanwhile: then it must lie between. A total that is null is none. What differs in the end is
 * `data-differs`; throws what the applications throw.
 */
export async function compareTotals(
  place: TotalPlace,
  target: App,
  reference: () => Promise<unknown>,
  patience: Patience,
): Promise<Answered<Total>> {
  return askUntilRight(patience, async () => {
    const before = await reference();
    const value = await readValue(target, place, patience.signal);
    const after = isSameFigure(before, value) ? before : await reference();
    const found: Total = { source: after, target: value };
    if (value !== null && (isSameFigure(after, value) || isBetween(value, before, after))) return { found };
    return { found, wrong: new RestageError('data-differs', differing(place, found)) };
  });
}

function differing({ path, read, table }: TotalPlace, { source, target }: Total): string {
  const value = `${read} of GET ${path} is`;
  return table === undefined
    ? `${value} ${shown(source)} at the source and ${shown(target)} at the target`
    : `${value} ${shown(target)} at the target, and ${table} has ${shown(source)} rows there`;
}
