import { isMap, isNode, isScalar, type YAMLMap } from 'yaml';
import { needsKey } from '../postgres/rules/table-rule.ts';
import { after, before, commented, described, lines, option, prose, setting } from './commented-yaml.ts';
import { maskKeyVariable } from './draft.ts';
import type { ProposedRule, ProposedRules, Suggestion } from './propose-rules.ts';

/** A comment of so many characters may stand behind its setting. */
const mostBehind = 60;

/** Whether masks among the rules choose by the key. */
export function needMaskKey({ rules }: ProposedRules): boolean {
  return rules.some(({ mask }) => Object.values(mask).some(needsKey));
}

/** The proposed rules as settings of `database`. */
export function ruleSettings(proposed: ProposedRules): Record<string, unknown> {
  const { rules, left } = proposed;
  return {
    unmasked: left.length === 0 ? 'refuse' : 'warn',
    ...(needMaskKey(proposed) ? { masks: { key: `\${${maskKeyVariable}}` } } : {}),
    ...(rules.length === 0 ? {} : { tables: Object.fromEntries(rules.map((rule) => [rule.table, settingOf(rule)])) }),
  };
}

function settingOf({ rows, onOrphan, mask, carry }: ProposedRule): unknown {
  if (rows !== undefined && onOrphan === undefined) return rows;
  return {
    ...(rows === undefined ? {} : { rows }),
    ...(onOrphan === undefined ? {} : { onOrphan }),
    ...(Object.keys(mask).length === 0 ? {} : { mask }),
    ...(carry ? { carry } : {}),
  };
}

/** Says beside each rule why it is there. */
export function commentRules(database: YAMLMap, { rules, suggestions, left }: ProposedRules): void {
  before(
    database,
    'unmasked',
    lines(
      commented(described('database.unmasked')),
      left.length === 0
        ? []
        : commented(
            `Personal, by what they are called or hold, and no mask fits: ${left.map(({ column, reason }) => `${column} (${reason})`).join('; ')}.`,
          ),
    ) ?? '',
  );
  before(
    database,
    'masks',
    prose(
      `${described('database.masks.key')} It comes from the environment: openssl rand -hex 32 makes one. Keep it as you keep production's password.`,
    ),
  );
  const tables = database.get('tables');
  if (!isMap(tables)) return;
  before(
    database,
    'tables',
    prose(
      `${described('database.tables')} These are proposals, by what the columns are called and a sample of what they hold: look at each. allow: [column] copies one as it is.`,
    ),
  );
  for (const rule of rules) {
    if (rule.reasons.length > 0) before(tables, rule.table, prose(rule.reasons.join('\n')));
    const own = tables.get(rule.table);
    if (!isMap(own)) continue;
    const mask = own.get('mask');
    if (isMap(mask)) for (const [column, why] of Object.entries(rule.why)) explain(mask, column, why);
    const carry = own.get('carry');
    if (isMap(carry)) carry.flow = true;
  }
  tables.comment = lines(...suggestions.map(suggested));
}

function explain(mask: YAMLMap, column: string, why: string): void {
  const value = mask.get(column, true);
  if (isMap(value)) value.flow = true;
  if (isScalar(value) && why.length <= mostBehind && isOneLine(why)) after(mask, column, why);
  else if (isNode(value)) before(mask, column, prose(why));
}

function suggested({ table, setting: value, reason }: Suggestion): string[] {
  return isOneLine(table)
    ? [...commented(`${reason}.`), ...setting({ [table]: value })]
    : commented(`${reason}: ${table.replaceAll('\n', ' ')}.`);
}

/** Whether a name can be part of a setting in a comment, which ends where a line does. */
function isOneLine(name: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(name);
}

/** Settings that could be made beside those of the rules. */
export function ruleOptions({ rules, suggestions: all, afterLoad }: ProposedRules): string[] {
  const suggestions = all.filter(({ table }) => isOneLine(table));
  return [
    // Where no table has a rule, there is nothing that they could stand under.
    ...(rules.length > 0 || suggestions.length === 0
      ? []
      : [
          ...commented([...new Set(suggestions.map(({ reason }) => reason))].join('; ')),
          ...setting({ tables: Object.fromEntries(suggestions.map(({ table, setting: value }) => [table, value])) }),
        ]),
    ...(afterLoad.length === 0 ? [] : option('database.afterLoad', { afterLoad: afterLoad.map((sql) => ({ sql })) })),
  ];
}
