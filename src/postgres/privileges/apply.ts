import { RestageError } from '../../errors.ts';
import { quoteName } from '../names.ts';
import { phases, type Need, type PrivilegeStatement } from './statements.ts';
import type { ReadSession, Session } from '../session.ts';

/** A statement that the server did not take, with its words. */
export interface Refusal {
  readonly statement: PrivilegeStatement;
  readonly words: string;
}

/** So many in one transaction: a table that changes hands takes a lock on itself and on each of its indexes. */
const atOnce = 100;

/** Executes statements, many in a round trip and a transaction. What the server does not take stops no other one. */
export async function applyStatements(session: Session, statements: readonly PrivilegeStatement[]): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const phase of phases) {
    const due = statements.filter((statement) => statement.phase === phase);
    const closed = await readClosed(session, due);
    const groups = Map.groupBy(due, (statement) => {
      const place = placeOf(statement);
      return place !== undefined && closed.has(place) ? place : '';
    });
    for (const [place, group] of groups) {
      const { before, after } = opening(place === '' ? undefined : group[0]?.needs);
      const execute = (some: readonly PrivilegeStatement[]) =>
        session.execute(`${before}${some.map(({ sql }) => sql).join(';\n')}${after}`);
      for (let start = 0; start < group.length; start += atOnce) {
        const some = group.slice(start, start + atOnce);
        try {
          await execute(some);
        } catch (error) {
          refusalOf(error);
          refusals.push(...(await oneByOne(some, execute)));
        }
      }
    }
  }
  return refusals;
}

async function oneByOne(
  statements: readonly PrivilegeStatement[],
  execute: (some: readonly PrivilegeStatement[]) => Promise<unknown>,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const statement of statements)
    try {
      await execute([statement]);
    } catch (error) {
      refusals.push({ statement, words: refusalOf(error) });
    }
  return refusals;
}

/** The server's words; anything but a refused statement is thrown on. */
function refusalOf(error: unknown): string {
  if (!(error instanceof RestageError) || error.code !== 'statement-failed') throw error;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function placeOf({ needs }: PrivilegeStatement): string | undefined {
  return needs && JSON.stringify([needs.schema, needs.role, needs.privilege]);
}

/** Of the schemas in which a role needs something: those in which it is not allowed. */
async function readClosed(
  session: ReadSession,
  statements: readonly PrivilegeStatement[],
): Promise<ReadonlySet<string>> {
  const needs = new Map(statements.flatMap((one) => (one.needs ? [[placeOf(one), one.needs] as const] : [])));
  if (needs.size === 0) return new Set();
  const rows = await session.rows<{ place: string }>(
    `select p.place
       from jsonb_to_recordset($1) p(place text, schema text, role text, privilege text)
       join pg_namespace n on n.nspname = p.schema
       join pg_roles r on r.rolname = p.role
      where not has_schema_privilege(r.oid, n.oid, p.privilege)`,
    [JSON.stringify([...needs].map(([place, need]) => ({ place, ...need })))],
  );
  return new Set(rows.map(({ place }) => place));
}

/** Opens a schema to a role for one transaction only. */
function opening(need: Need | undefined): { readonly before: string; readonly after: string } {
  if (!need) return { before: '', after: '' };
  const what = `${need.privilege} on schema ${quoteName(need.schema)}`;
  return {
    before: `grant ${what} to ${quoteName(need.role)};\n`,
    after: `;\nrevoke ${what} from ${quoteName(need.role)}`,
  };
}
