import { displayTable, printedName, quoteName, type TableName } from '../names.ts';
import type { RoleMap } from '../named-roles.ts';
import { bareColumns } from './bare-columns.ts';
import type {
  CatalogObject,
  ColumnParts,
  FunctionParts,
  PolicyParts,
  SequenceParts,
  TableParts,
  TypeParts,
} from './catalog.ts';
import { alike } from './expression.ts';
import type { SchemaObject } from './schema-objects.ts';
import { withoutSpace } from './sql-tokens.ts';

/** An object of the catalog with its name, for people, and its definition, for people and for comparing. */
export function describe(object: CatalogObject, roles: RoleMap = {}): SchemaObject {
  const { schema, name } = object;
  const own = displayTable({ schema, name });
  /** Of an object of its own, or a part of a table; `compared` where the definition is more than expressions. */
  const told = (
    kind: SchemaObject['kind'],
    definition: string,
    more: Partial<Omit<SchemaObject, 'definition'>> = {},
  ): SchemaObject => ({
    kind,
    schema,
    name: own,
    definition,
    compared: () => alike(definition),
    ...more,
  });
  const part = (relation: string) => {
    const table = displayTable({ schema, name: relation });
    return { table, name: `${table}.${displayTable({ schema: 'public', name })}` };
  };
  switch (object.kind) {
    case 'schema':
      return told('schema', 'schema', { name: displayTable({ schema: 'public', name }) });
    case 'extension': {
      const { version, offered } = object.parts;
      // A newer server brings newer ones: as it comes on either, it is the same.
      const across = version === offered ? { acrossVersions: 'what the server offers' } : {};
      return told('extension', `version ${version}`, { ...across, name: displayTable({ schema: 'public', name }) });
    }
    case 'table':
      return told('table', tableText(object.parts), {
        table: own,
        ...(object.parts.parents ? { ofParent: true } : {}),
      });
    case 'column':
      return told('column', columnText(object.parts), part(object.relation));
    case 'constraint': {
      const { definition, refers } = object.parts;
      const leadsTo = refers ? { refers: displayTable(placed(refers)) } : {};
      return told('constraint', definition, { ...part(object.relation), ...leadsTo });
    }
    case 'index': {
      const { definition, valid } = object.parts;
      const { table } = part(object.relation);
      const short = definition.replace(beginOfIndex, (_whole, unique?: string) => (unique ? 'unique ' : ''));
      return told('index', `${short}${valid ? '' : ' (not valid)'}`, { table });
    }
    case 'view': {
      const { materialized, query, options } = object.parts;
      const bare = bareColumns(query.replace(/;\s*$/, '')).trim();
      return told(materialized ? 'materialized view' : 'view', `${withOptions(options)}${bare}`, { table: own });
    }
    case 'sequence': {
      const { owner } = object.parts;
      const [of, table = '', column = ''] = owner ?? [];
      const owned = of === undefined ? {} : { table: displayTable({ schema: of, name: table }) };
      const text = sequenceText(object.parts);
      if (!owned.table) return told('sequence', text);
      const of_ = `${owned.table}.${displayTable({ schema: 'public', name: column })}`;
      return told('sequence', `${text}, of ${of_}`, { ...owned, column: of_ });
    }
    case 'trigger':
    case 'rule': {
      const { definition, enabled } = object.parts;
      return told(object.kind, `${definition}${states[enabled] ?? ''}`, part(object.relation));
    }
    case 'policy': {
      const { name: policy, table } = part(object.relation);
      const mapped = object.parts.roles?.map((role) => (Object.hasOwn(roles, role) ? (roles[role] ?? role) : role));
      const text = policyText({ ...object.parts, roles: mapped ? [...new Set(mapped)].toSorted() : null });
      return told('policy', policyText(object.parts), {
        name: policy,
        table,
        compared: () => alike(text),
        always: true,
      });
    }
    case 'statistics': {
      const [of, table] = object.parts.table;
      return told('statistics', object.parts.definition, { table: displayTable({ schema: of, name: table }) });
    }
    case 'type': {
      const kinds = { e: 'enum', d: 'domain', r: 'type', c: 'type', b: 'type' } as const;
      return told(kinds[object.parts.typtype], typeText(object.parts));
    }
    case 'function': {
      const { text, compared } = functionText(object.parts);
      return told('function', text, { name: `${own}(${object.parts.types.join(', ')})`, compared });
    }
  }
}

/** What the name and the table say already. */
const beginOfIndex = new RegExp(
  `^CREATE (UNIQUE )?INDEX ${printedName} ON (?:ONLY )?${printedName}\\.${printedName} USING `,
);

/** What a trigger or rule does not say itself. */
const states: Readonly<Record<string, string>> = { D: ' (disabled)', R: ' (on replicas)', A: ' (always)' };

function withOptions(options: readonly string[] | null): string {
  return options ? `with (${options.toSorted().join(', ')}) ` : '';
}

function placed([schema, name]: readonly [string, string]): TableName {
  return { schema, name };
}

function tableText(parts: TableParts): string {
  const kind = { r: 'table', p: 'partitioned table', f: 'foreign table' }[parts.relkind];
  const { parents, bound } = parts;
  const names = (parents ?? []).map((parent) => displayTable(placed(parent))).join(', ');
  const identity = { n: 'nothing', f: 'full', i: `using index ${quoteName(parts.identityIndex ?? '')}` }[
    parts.identity as 'n' | 'f' | 'i' // or the default, which needs no word
  ];
  return [
    `${parts.persistence === 'u' ? 'unlogged ' : ''}${kind}`,
    parts.key !== null && `by ${parts.key}`,
    parts.ofType !== null && `of ${parts.ofType}`,
    names !== '' && (bound === null ? `inherits ${names}` : `partition of ${names} ${bound}`),
    parts.server !== null && `server ${quoteName(parts.server)}`,
    parts.method !== null && `using ${quoteName(parts.method)}`,
    parts.options && withOptions(parts.options).trimEnd(),
    parts.secured && `row level security${parts.forced ? ', forced' : ''}`,
    !parts.secured && parts.forced && 'row level security forced, not enabled',
    identity !== undefined && `replica identity ${identity}`,
  ]
    .filter((text) => typeof text === 'string')
    .join(', ');
}

function columnText(parts: ColumnParts): string {
  const { default: value, generated, identity, collation } = parts;
  if (parts.ofView) return `default ${value}`;
  // A default of null is none, and pg_dump leaves it out.
  const given = value === null || /^NULL(::[^:]*)?$/.test(value) ? undefined : value;
  return [
    parts.type,
    collation !== null && `collate ${collation}`,
    parts.required &&
      `not null${parts.requiredNotInherited ? ' no inherit' : ''}${parts.requiredNotValid ? ' not valid' : ''}`,
    generated === '' && given !== undefined && `default ${given}`,
    generated !== '' && `generated always as (${value}) ${generated === 'v' ? 'virtual' : 'stored'}`,
    identity !== '' && `generated ${identity === 'a' ? 'always' : 'by default'} as identity`,
  ]
    .filter(Boolean)
    .join(' ');
}

function sequenceText(parts: SequenceParts): string {
  const { type, start, increment, least, most, cache, cycles, persistence, owner } = parts;
  // One that belongs to a column is as its table is, since 15.
  const unlogged = persistence === 'u' && !owner ? 'unlogged ' : '';
  return `${unlogged}${type} start ${start} increment ${increment} minvalue ${least} maxvalue ${most} cache ${cache}${cycles ? ' cycle' : ''}`;
}

function policyText({ command, permissive, roles, using, check }: PolicyParts): string {
  const commands: Readonly<Record<string, string>> = { r: 'select', a: 'insert', w: 'update', d: 'delete' };
  return [
    permissive ? 'permissive' : 'restrictive',
    `for ${commands[command] ?? 'all'}`,
    `to ${roles?.map(quoteName).join(', ') ?? 'public'}`,
    using !== null && `using (${using})`,
    check !== null && `with check (${check})`,
  ]
    .filter(Boolean)
    .join(' ');
}

function typeText(parts: TypeParts): string {
  const { typtype, labels, base, required, default: value, collation, checks, attributes, range, input } = parts;
  if (typtype === 'e') return (labels ?? []).map((label) => `'${label.replaceAll("'", "''")}'`).join(', ');
  if (typtype === 'd')
    return [
      base,
      collation !== null && `collate ${collation}`,
      required && 'not null',
      value !== null && `default ${value}`,
      ...(checks ?? []).map(([name, check]) => `constraint ${quoteName(name)} ${check}`),
    ]
      .filter(Boolean)
      .join(' ');
  if (typtype === 'c')
    return `(${(attributes ?? []).map(([name, type, of]) => `${quoteName(name)} ${type}${of === null ? '' : ` collate ${of}`}`).join(', ')})`;
  if (typtype === 'r')
    return Object.entries(range ?? {})
      .flatMap(([name, text]) => (text === null ? [] : [`${name} ${text}`]))
      .join(', ');
  return `base type, input ${input}`;
}

function functionText(parts: FunctionParts): { readonly text: string; readonly compared: () => string } {
  const { definition, aggregate, body, language } = parts;
  if (definition === null) {
    const text = Object.entries(aggregate ?? {})
      .flatMap(([name, value]) => (value === null ? [] : [`${name} ${String(value)}`]))
      .join(', ');
    return { text: `aggregate ${text}`, compared: () => withoutSpace(text) };
  }
  const text = definition.replaceAll('\r\n', '\n').trimEnd();
  return { text, compared: () => comparedFunction(definition, body, language) };
}

function comparedFunction(definition: string, body: string, language: string): string {
  const at = body === '' ? definition.length : definition.lastIndexOf(body);
  const head = alike(definition.slice(0, at) + definition.slice(at + body.length));
  // The body is a program of its own: where white space says nothing in it is known of these two languages only.
  const program = body.replaceAll('\r\n', '\n');
  return language === 'sql' || language === 'plpgsql'
    ? `${head} ${withoutSpace(program)}`
    : `${head} ${program.replace(/[ \t]+$/gm, '').trim()}`;
}
