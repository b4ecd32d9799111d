import type { Column, Table } from '../catalog.ts';
import { displayTable, quoteName, unquote, type TableName } from '../names.ts';
import { isRewritten } from './rewrite.ts';
import type { Check, Constraints, UniqueKey } from './rule-constraints.ts';
import { calledColumn, ruleWords, settingOf, unfit, type Unfit } from './rule-words.ts';
import type { TableRule } from './table-rule.ts';

/** A rule that is tried on a sample of its table's rows. */
export interface Tried {
  readonly table: Table;
  /** As the rule names it. */
  readonly name: TableName;
  readonly rule: TableRule;
  readonly constraints: Constraints;
  readonly seconds: number;
}

/** A condition on the sample's rows, as they will be, that must not be true of any: how many it is true of, and what to say then. */
export interface Condition {
  /** An aggregate over the rows, or a sub-select. */
  readonly count: string;
  readonly tell: (count: number, of: number) => Unfit;
}

/** The columns whose values are others than the source's. */
export function changedColumns(table: Table, rule: TableRule): readonly Column[] {
  return table.columns.filter(
    (column) =>
      !column.generated &&
      (Object.hasOwn(rule.columns, column.name) || (rule.rewrite.length > 0 && isRewritten(column))),
  );
}

/** What must not be true of the rows as the rule has them, as far as they are others than before. */
export function conditionsOf(tried: Tried): Condition[] {
  const { table, name, rule, constraints } = tried;
  const changed = changedColumns(table, rule);
  const isChanged = (column: string) => changed.some(({ name: one }) => one === column);
  /** The changed column that one is, or is made of. */
  const sourceOf = (column: string) =>
    isChanged(column) ? column : constraints.generated.find((one) => one.column === column)?.of.find(isChanged);
  const sourcesOf = (columns: readonly string[]) => columns.flatMap((column) => sourceOf(column) ?? []);
  const checks: readonly Check[] = [
    ...constraints.checks.filter(({ valid }) => valid),
    ...(constraints.bounds === undefined
      ? []
      : [
          {
            name: `the bounds of the partition ${displayTable(table.table)}`,
            definition: constraints.bounds,
            sql: constraints.bounds,
            columns: constraints.partitionedBy,
            valid: true,
          },
        ]),
  ];
  return [
    ...changed.flatMap((column) => ofColumn(column, name, rule)),
    ...checks.flatMap((check): Condition[] => {
      const [first] = sourcesOf(check.columns);
      return first === undefined ? [] : [ofCheck(check, first, name, rule)];
    }),
    ...constraints.unique.flatMap((key): Condition[] => {
      const [first] = sourcesOf(key.columns);
      const all = key.operators?.every((one) => one === '=') ?? true;
      return first === undefined || !all ? [] : [ofKey(key, first, table, name, rule)];
    }),
  ];
}

function ofColumn(column: Column, table: TableName, rule: TableRule): Condition[] {
  const name = quoteName(column.name);
  const place = `${calledColumn(table, column.name)}, ${ruleWords(rule, column.name)}`;
  const setting = settingOf(table, rule, column.name);
  const tell = (about: string, words: (of: string) => string, hint: string) => (count: number, of: number) =>
    unfit(
      table,
      `${about} of ${column.name}`,
      `${place}: ${words(share(count, of))}`,
      `${hint} Change ${setting} in restage.yaml.`,
    );
  const conditions: Condition[] = [];
  if (column.required)
    conditions.push({
      count: `count(*) filter (where ${name} is not distinct from null)`,
      tell: tell('null', (of) => `the column takes no null, and ${of} would have one`, `Such as coalesce(…, …).`),
    });
  if (column.maxLength !== undefined)
    conditions.push({
      count: `count(*) filter (where length(${name}::text) > ${column.maxLength})`,
      tell: tell(
        'length',
        (of) => `${of} would be longer than ${column.type}`,
        `Such as left(…, ${column.maxLength}).`,
      ),
    });
  if (column.precision !== undefined && column.base === 'numeric') {
    const whole = column.precision - (column.scale ?? 0);
    conditions.push({
      count: `count(*) filter (where ${name} <> 'NaN' and abs(${name}) >= 10::numeric ^ ${whole})`,
      tell: tell(
        'digits',
        (of) => `${of} would have more digits than ${column.type}`,
        `It holds ${whole} before the point.`,
      ),
    });
  }
  return conditions;
}

function ofCheck(check: Check, ruled: string, table: TableName, rule: TableRule): Condition {
  return {
    count: `count(*) filter (where (${check.sql}) is false)`,
    tell: (count, of) =>
      unfit(
        table,
        `check ${check.name}`,
        `${calledColumn(table, ruled)}, ${ruleWords(rule, ruled)}: ${check.name}, ${check.definition}, would not hold for ${share(count, of)}`,
        `Choose a mask that the check lets pass, or write one: mask: { ${JSON.stringify(ruled)}: { sql: … } }. Change ${settingOf(table, rule, ruled)} in restage.yaml.`,
      ),
  };
}

function ofKey(
  key: UniqueKey,
  ruled: string,
  { table: own, columns }: Table,
  table: TableName,
  rule: TableRule,
): Condition {
  const byName = new Map(columns.map((one) => [one.name, one]));
  // Of a bare column; equal as its own type has it.
  const keys = key.keys.map((one) => {
    const plain = byName.get(unquote(one));
    return plain ? quoteName(plain.name) : `(${one})`;
  });
  const present = key.nullsAreEqual ? [] : keys.map((one) => `${one} is distinct from null`);
  const where = [...(key.predicate === undefined ? [] : [`(${key.predicate})`]), ...present];
  return {
    count: `(select coalesce(sum(n - 1), 0) from (
        select count(*) as n from "restage rows" as ${quoteName(own.name)}${where.length === 0 ? '' : ` where ${where.join(' and ')}`} group by ${keys.join(', ')} having count(*) > 1) d)`,
    tell: (count, of) =>
      unfit(
        table,
        `key ${key.name}`,
        `${calledColumn(table, ruled)}, ${ruleWords(rule, ruled)}: in ${key.name}, ${key.definition}, ${share(count, of)} would be the same as another`,
        `Use what differs for each row. Change ${settingOf(table, rule, ruled)} in restage.yaml.`,
      ),
  };
}

function share(count: number, of: number): string {
  return `${count.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} rows read`;
}
