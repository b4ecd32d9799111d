import { RestageError } from '../../errors.ts';
import { plainName } from '../empty-tables.ts';
import { displayTable } from '../names.ts';
import { someOf } from '../some-of.ts';
import type { UnmaskedColumn } from './unmasked.ts';

/** Why the plan is refused where nothing that looks personal may go unmasked: every such column in a line; undefined for none. */
export function unmaskedRefusal(columns: readonly UnmaskedColumn[]): RestageError | undefined {
  const [first] = columns;
  if (!first) return undefined;
  const lines = columns.map(({ table, column, reason }) => `${displayTable(table)}.${column}: ${reason}`);
  const table = JSON.stringify(plainName(first.table));
  const column = JSON.stringify(first.column);
  return new RestageError(
    'unmasked',
    `${columns.length === 1 ? 'a column looks personal and has' : `${columns.length} columns look personal and have`} no rule:\n  ${lines.join('\n  ')}`,
    {
      hint: `Give each one a rule in restage.yaml, such as database.tables: { ${table}: { mask: { ${column}: ${maskFor(first)} } } }, or say that it is copied as it is: { ${table}: { allow: [${column}] } }.`,
    },
  );
}

/** The same where it is no refusal, as a note of the plan; none for none. */
export function unmaskedNotes(columns: readonly UnmaskedColumn[]): string[] {
  if (columns.length === 0) return [];
  const names = columns.map(({ table, column }) => `${displayTable(table)}.${column}`);
  const many = columns.length > 1;
  return [
    `${columns.length} column${many ? 's look' : ' looks'} personal and ${many ? 'have no rule: they are copied as they are' : 'has no rule: it is copied as it is'}, ${someOf(names)}; database.unmasked: refuse makes that a refusal`,
  ];
}

/** The mask that is most likely meant. */
function maskFor({ column, reason }: UnmaskedColumn): string {
  const [, mask] = likely.find(([pattern]) => pattern.test(`${column} ${reason}`)) ?? [];
  return mask ?? 'redact';
}

const likely: readonly (readonly [RegExp, string])[] = [
  [/in JSON/, '{ json: { "path.to.it": redact } }'],
  [/e[ _-]?mail/i, 'email'],
  [/phone|mobile|fax/i, 'phone'],
  [/first_?name|given/i, 'firstName'],
  [/last_?name|family|surname/i, 'lastName'],
  [/person's name/, 'name'],
  [/says a birth/, '{ date: { shiftDays: 90 } }'],
  [/hashes of passwords/, 'password-hash'],
  [/tokens|a secret/, 'token'],
  [/iban/i, 'iban'],
  [/\bcards?\b/i, 'card'],
  [/IP address|network/, 'ip'],
  [/postal|postcode|zip/i, 'postcode'],
  [/city|town/i, 'city'],
  [/an address/, 'address'],
  [/somebody works/, 'company'],
  [/written about somebody/, 'text'],
];
