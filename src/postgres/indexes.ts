import { printedName } from './names.ts';
import type { SchemaEntry } from './schema-entries.ts';

/** In stages: what is in one stage can be built side by side, each stage after the one before. */
export type Stages = readonly (readonly SchemaEntry[])[];

/** Of plain columns only: what else a key can have, an index is told differently. */
const key = new RegExp(
  `^(ALTER TABLE ONLY (${printedName}\\.${printedName}))\\s+ADD CONSTRAINT (${printedName}) (PRIMARY KEY|UNIQUE) \\((${printedName}(?:, ${printedName})*)\\);$`,
);

/**
 * A large table's indexes and keys, in stages. Adding a key locks its table against everything, building an index only
 * against writing: so a key becomes a unique index, built beside the others, and then the key is made of it at once.
 */
export function inStages(entries: readonly SchemaEntry[]): Stages {
  const build: SchemaEntry[] = [];
  const attach: SchemaEntry[] = [];
  for (const entry of entries) {
    const [, alter, table, name, kind, columns] = (entry.type === 'CONSTRAINT' && key.exec(entry.sql)) || [];
    if (alter !== undefined) {
      build.push({ ...entry, sql: `CREATE UNIQUE INDEX ${name} ON ONLY ${table} USING btree (${columns});` });
      attach.push({ ...entry, sql: `${alter} ADD CONSTRAINT ${name} ${kind} USING INDEX ${name};` });
    } else if (entry.type === 'INDEX' && /^CREATE (?:UNIQUE )?INDEX [^;]*;$/.test(entry.sql)) build.push(entry);
    else attach.push(entry);
  }
  return [build, ...attach.map((entry) => [entry])].filter((stage) => stage.length > 0);
}
