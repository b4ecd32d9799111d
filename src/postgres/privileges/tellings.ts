import type { Refusal } from './apply.ts';
import { quoteName } from '../names.ts';
import type { Differences, PrivilegeStatement } from './statements.ts';
import type { Roles } from '../roles.ts';

/** What an outcome says of a clone's owners and grants. */
export interface CarriedPrivileges {
  readonly owners: number;
  readonly grants: number;
  /** What could not be given, and to whom, in whole sentences. */
  readonly refused: readonly string[];
}

export interface Tellings {
  done(statements: readonly PrivilegeStatement[]): void;
  refused(refusals: readonly Refusal[]): void;
  withheld(objects: Differences['withheld']): void;
  extensions(objects: Differences['extensions']): void;
  unknown(roles: ReadonlyMap<string, number>): void;
  ineffective(statements: readonly PrivilegeStatement[]): void;
  result(): CarriedPrivileges;
}

/** Gathers what was done and what was not, and says it with each thing once. */
export function tellings(roles: Roles): Tellings {
  const done = { owners: 0, grants: 0 };
  const refusedBy = new Map<string, Refused>();
  const withheld = new Map<string, string[]>();
  const extensions: string[] = [];
  const unknown = new Map<string, number>();
  const refuse = (reason: string, sql: string, title: string) => {
    const known = refusedBy.get(reason) ?? { sql, titles: [] };
    known.titles.push(title);
    refusedBy.set(reason, known);
  };
  return {
    done: (statements) => {
      const owners = statements.filter(({ gives }) => gives !== undefined).length;
      done.owners += owners;
      done.grants += statements.length - owners;
    },
    refused: (refusals) => {
      for (const { statement, words } of refusals) refuse(words, statement.sql, statement.title);
    },
    ineffective: (statements) => {
      for (const { sql, title } of statements)
        refuse('the server took it without effect, as the object belongs to somebody else', sql, title);
    },
    withheld: (objects) => {
      for (const [role, title] of objects) {
        const titles = withheld.get(role) ?? [];
        titles.push(title);
        withheld.set(role, titles);
      }
    },
    extensions: (objects) => {
      for (const [owner, title] of objects)
        extensions.push(
          `${title} belongs to ${roles.own} and not to ${owner}: PostgreSQL gives no extension to another role`,
        );
    },
    unknown: (counts) => {
      for (const [role, count] of counts) unknown.set(role, (unknown.get(role) ?? 0) + count);
    },
    result: () => ({
      ...done,
      refused: [
        ...[...withheld].toSorted(byRole).map(([role, titles]) => withheldSentence(role, titles, roles)),
        ...extensions,
        ...shortened([...refusedBy].map(refusalSentence)),
        ...[...unknown]
          .toSorted(byRole)
          .map(
            ([role, count]) =>
              `the source's role ${role} is unknown at the target: its grants on ${count} new object${count === 1 ? '' : 's'} were left out; map it by database.grants`,
          ),
      ],
    }),
  };
}

const byRole = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);

interface Refused {
  readonly sql: string;
  readonly titles: string[];
}

function withheldSentence(role: string, titles: readonly string[], { own, byName }: Roles): string {
  const known = byName.get(role);
  // Nobody should make a refresh's role a superuser for the sake of an owner; and a superuser needs no grants.
  const remedy =
    known?.settable || known?.superuser !== false
      ? ''
      : `, because ${own} is no member of ${role} (grant ${quoteName(role)} to ${quoteName(own)})`;
  const instead = known?.superuser === false ? `; ${role} is granted what it may do with them instead` : '';
  return `${titles.length} object${titles.length === 1 ? '' : 's'} of ${role} could not be given to it and stay with whoever made them${remedy}${instead}: ${listed(titles)}`;
}

function refusalSentence([reason, { sql, titles }]: readonly [string, Refused]): string {
  return `the target's server refused for ${listed(titles)}: ${reason} (${sql.replaceAll('\n', ' ')})`;
}

function listed(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const shown = distinct.slice(0, 5).join(', ');
  return distinct.length > 5 ? `${shown} and ${distinct.length - 5} more` : shown;
}

/** A server that refuses ten thousand times says the same in other words each time. */
function shortened(sentences: readonly string[]): string[] {
  const most = 20;
  return sentences.length <= most
    ? [...sentences]
    : [...sentences.slice(0, most), `the target's server refused ${sentences.length - most} more statements`];
}
