import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import type { Drift } from './postgres/drift/drift.ts';
import type { Origin } from './postgres/session.ts';

/** How the schemas of both databases differ, as both are now. Plain JSON. */
export interface DriftReport {
  readonly version: 1;
  readonly madeAt: string;
  readonly source: ComparedSchema;
  readonly target: ComparedSchema;
  readonly drift: Drift;
  /** What was not compared, for the config says that no clone has it: in whole sentences. */
  readonly leftOut: readonly string[];
}

/** Where a schema was read, and when. */
export interface ComparedSchema {
  readonly name: string;
  readonly origin: Origin;
  /** ISO 8601. */
  readonly readAt: string;
  /** What the tables of migration tools say was applied last. */
  readonly revision?: string;
}

export interface DriftOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the schemas of both databases object by object, each in one read-only transaction. Differences are data. Throws
 * `config-invalid` where an end has no database, `database-unfit` for servers before 14, and what the ends throw.
 */
export async function drift(config: Config, ends: Ends, { signal }: DriftOptions = {}): Promise<DriftReport> {
  const { source, target } = ends;
  if (!source.database || !target.database)
    throw new RestageError(
      'config-invalid',
      `the ${source.database ? 'target' : 'source'} has no database to compare`,
      {
        hint: 'Name the databases of both ends in restage.yaml: source.database, target.database.',
      },
    );
  // Loaded where it is used: the driver is a good part of what a start takes.
  const { compareSchemas } = await import('./drift-schemas.ts');
  const names = { source: source.name, target: target.name };
  return compareSchemas(config, source.database, target.database, { names, signal });
}
