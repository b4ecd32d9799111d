import { usualObjects } from './config-objects.ts';
import type { Config } from './config.ts';
import type { Table } from './postgres/catalog.ts';
import { namedColumn, quoteTable } from './postgres/names.ts';
import type { Selection } from './s3/selection.ts';

/** Which keys of a pair count, as the config has it. */
export function selectionOf(config: Pick<Config, 'objects'>, bucket: string): Selection {
  const { prefix, include, exclude, renames, backup, only, referencedBy } = config.objects[bucket] ?? usualObjects;
  return {
    ...(prefix === undefined ? {} : { prefix }),
    include,
    exclude,
    renames,
    ...(backup === undefined ? {} : { backup }),
    ...(only === undefined ? {} : { only, referencedBy }),
  };
}

/** Keys that rows name: whose, and what for. */
export interface KeysWanted {
  /** The config's name for the pair. */
  readonly bucket: string;
  readonly referencedBy: readonly string[];
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
}

/** Undefined where a key counts whether rows name it or not. */
export function keysWanted(
  bucket: string,
  { only, referencedBy = [] }: Selection,
  more: Pick<KeysWanted, 'label' | 'signal'>,
): KeysWanted | undefined {
  return only === undefined ? undefined : { bucket, referencedBy, ...more };
}

/** Whether rows of this table name keys of the selection; it may be a part of the table that the config names. */
export function namesKeys(
  { referencedBy = [] }: Selection,
  { table, parents }: Pick<Table, 'table' | 'parents'>,
): boolean {
  const names = new Set(referencedBy.map((name) => quoteTable(namedColumn(name).table)));
  return [table, ...parents].some((one) => names.has(quoteTable(one)));
}
