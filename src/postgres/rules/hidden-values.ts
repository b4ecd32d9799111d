import type { Table } from '../catalog.ts';
import { countLargeObjects } from '../large-objects.ts';
import { quoteTable } from '../names.ts';
import type { ReadSession } from '../session.ts';
import { someOf } from '../some-of.ts';
import type { TableRule } from './table-rule.ts';

/** An e-mail address, but for those that are an example; a telephone number as it is written in a text. */
const shapes = [
  String.raw`[[:alnum:]._%+-]+@(?!example\.)[[:alnum:]-]+(\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}`,
  String.raw`\+[0-9][0-9 ()/.-]{6,}[0-9]`,
  String.raw`(^|[^0-9.-])\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}([^0-9.-]|$)`,
];

/**
 * Where personal data stands that no mask reaches, each in a whole sentence; nothing where nothing is masked. In the schema: comments,
 * defaults, labels of enums that hold an e-mail address or a phone number; and large objects. `rules`: by quoted name.
 */
export async function hiddenNotes(
  session: ReadSession,
  tables: readonly Pick<Table, 'table'>[],
  rules: ReadonlyMap<string, TableRule>,
): Promise<readonly string[]> {
  const masks = tables.some(({ table }) =>
    Object.values(rules.get(quoteTable(table))?.columns ?? {}).some(({ kind }) => kind === 'mask'),
  );
  if (!masks) return [];
  const found = await session.rows<{ place: string }>(`
    select distinct place
      from (
        select 'the comment on ' || pg_describe_object(d.classoid, d.objoid, d.objsubid) as place, d.description as words
          from pg_description d
         where d.objoid >= 16384 and d.classoid <> 'pg_largeobject'::regclass
        union all
        select pg_describe_object('pg_attrdef'::regclass, d.oid, 0), pg_get_expr(d.adbin, d.adrelid)
          from pg_attrdef d
        union all
        select 'a label of type ' || e.enumtypid::regtype, e.enumlabel
          from pg_enum e) texts
     where words ~ '${shapes.map((shape) => `(${shape})`).join('|')}'
     order by place`);
  const objects = await countLargeObjects(session);
  return [
    ...(found.length === 0
      ? []
      : [
          `no mask reaches the schema itself, and an e-mail address or phone number seems to stand in ${someOf(found.map(({ place }) => place))}: it is copied as it is`,
        ]),
    ...(objects === 0
      ? []
      : [
          `${objects === 1 ? 'one large object is' : `${objects} large objects are`} copied unmasked: no mask reaches into ${objects === 1 ? 'it' : 'them'}, and nothing is looked for in there`,
        ]),
  ];
}
