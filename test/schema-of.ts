import { startDumper } from '../src/postgres/schema-dump.ts';
import { openSession as openOurs, type Address } from '../src/postgres/session.ts';
import { openSession } from './sql.ts';

/** An object of a schema: pg_dump's heading, and the lines under it. */
interface SchemaObject {
  readonly heading: string;
  readonly lines: readonly string[];
}

/** A difference between a source and its clone that is meant: how an object is changed, or dropped, before comparing. */
export interface IntendedDifference {
  readonly name: string;
  readonly end: 'source' | 'both';
  normalize(object: SchemaObject): SchemaObject | undefined;
}

/** The schema of a database as PostgreSQL 18's pg_dump prints it, publications included, without owners and grants. */
export async function schemaOf(url: string): Promise<readonly SchemaObject[]> {
  await using holder = await openSession(url);
  const [row] = await holder.query(
    `begin transaction isolation level repeatable read, read only; select pg_export_snapshot() as snapshot`,
  );
  await using session = await openOurs(addressOf(url), { access: 'read-only', label: 'schema of' });
  await using dumper = startDumper();
  return objectsOf(await dumper.dump(session, row?.['snapshot'] ?? ''));
}

// Headings inside of bodies split here too, alike at both ends: this is for comparing, not for restoring.
function objectsOf(dump: string): SchemaObject[] {
  const objects: { heading: string; lines: string[] }[] = [];
  for (const line of dump.split('\n')) {
    if (line.startsWith('-- Name: ')) objects.push({ heading: line, lines: [] });
    else if (line !== '' && line !== '--' && !line.startsWith('\\')) objects.at(-1)?.lines.push(line); // \unrestrict
  }
  return objects;
}

/** The lines of a schema that are compared. */
export function comparableLines(
  schema: readonly SchemaObject[],
  end: 'source' | 'target',
  intended: readonly IntendedDifference[],
): string[] {
  const rules = intended.filter((rule) => rule.end === 'both' || rule.end === end);
  const objects = schema.flatMap((object) => {
    let normal: SchemaObject | undefined = object;
    for (const { normalize } of rules) normal &&= normalize(normal);
    return normal ?? [];
  });
  return objects.flatMap(({ heading, lines }) => [heading, ...lines]);
}

/** Until 15 a view was printed with its table's name before each column, since 16 only where there are several tables. */
export const barerViews: IntendedDifference = {
  name: 'columns of views are printed without their table',
  end: 'both',
  normalize: ({ heading, lines }) => ({
    heading,
    lines: /; Type: (MATERIALIZED )?VIEW;/.test(heading)
      ? lines.map((line) => line.replace(/\b\w+\.(?=\w)/g, ''))
      : lines,
  }),
};

/** Where `public` does not belong to whoever owns the database, as in PostgreSQL 14, pg_dump says so in a remark. */
export const publicOfAnother: IntendedDifference = {
  name: 'a remark on the schema public',
  end: 'both',
  normalize: (object) => (object.heading.startsWith('-- Name: public; Type: SCHEMA;') ? undefined : object),
};

/** Publications come only where the configuration asks for them. */
export const noPublications: IntendedDifference = {
  name: 'publications',
  end: 'source',
  normalize: (object) =>
    /; Type: PUBLICATION|^-- Name: PUBLICATION .*; Type: COMMENT/.test(object.heading) ? undefined : object,
};

/** A table that became a child later has its parent's columns first in a clone, as in every restored dump. */
export function parentsFirst(table: string): IntendedDifference {
  return {
    name: `the order of the columns of ${table}`,
    end: 'both',
    normalize: ({ heading, lines }) => ({
      heading,
      lines: heading.startsWith(`-- Name: ${table}; Type: TABLE;`)
        ? lines.map((line) => line.replace(/,$/, '')).toSorted()
        : lines,
    }),
  };
}

function addressOf(url: string): Address {
  const { hostname, port, pathname, username, password } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  return { host: hostname, port: Number(port), database, user: username, password, tls: 'disable' };
}
