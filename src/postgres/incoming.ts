import { RestageError } from '../errors.ts';
import type { SwapNames } from './database-names.ts';
import { readProperties, readTablespace } from './database-properties.ts';
import { ofPeople } from './description.ts';
import { quoteName, quoteText } from './names.ts';
import { commentStatement, readRawComment } from './protected-marker.ts';
import type { Session } from './session.ts';

/**
 * Makes the empty database that will become staging, with the present one's owner, encoding, locale, tablespace, grants,
 * settings and comment, so that the application finds everything as before.
 */
export async function createIncoming(maintenance: Session, names: SwapNames): Promise<string> {
  const [row] = await maintenance.rows<{ create: string }>(`
    select concat_ws(' ',
             'owner', quote_ident(pg_get_userbyid(datdba)),
             'encoding', quote_literal(pg_encoding_to_char(encoding)),
             'lc_collate', quote_literal(datcollate),
             'lc_ctype', quote_literal(datctype),
             case when to_jsonb(d) ->> 'datlocprovider' in ('i', 'b')
                  then concat('locale_provider ', case to_jsonb(d) ->> 'datlocprovider' when 'i' then 'icu' else 'builtin' end) end,
             case to_jsonb(d) ->> 'datlocprovider'
                  when 'i' then concat('icu_locale ', quote_literal(coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')),
                                       ' icu_rules ' || quote_literal(to_jsonb(d) ->> 'daticurules'))
                  when 'b' then concat('builtin_locale ', quote_literal(to_jsonb(d) ->> 'datlocale')) end) as create
      from pg_database d
     where datname = ${quoteText(names.current)}`);
  if (!row)
    throw new RestageError('database-missing', `there is no database ${names.current} on the target's server any more`);
  const incoming = quoteName(names.incoming);
  const tablespace = await readTablespace(maintenance, names.current);
  const place = tablespace?.allowed ? ` tablespace ${quoteName(tablespace.name)}` : '';
  await maintenance.execute(`create database ${incoming} template template0 ${row.create}${place}`);
  const [created] = await maintenance.rows<{ oid: string }>(
    `select oid from pg_database where datname = ${quoteText(names.incoming)}`,
  );
  await carryProperties(maintenance, names);
  const comment = ofPeople(await readRawComment(maintenance, names.current));
  if (comment !== undefined) await maintenance.execute(commentStatement(names.incoming, comment));
  return String(created?.oid);
}

/** Owner, settings and grants of the present database, as they are now, for one that has them as they were: what has gone goes there too. */
export async function carryAnew(maintenance: Session, names: SwapNames): Promise<void> {
  const { current, incoming } = names;
  const [owner] = await maintenance.rows<{ name: string }>(`
    select quote_ident(pg_get_userbyid(p.datdba)) as name
      from pg_database p
      join pg_database i on i.datname = ${quoteText(incoming)} and i.datdba <> p.datdba
     where p.datname = ${quoteText(current)}`);
  if (owner) await maintenance.execute(`alter database ${quoteName(incoming)} owner to ${owner.name}`);
  const now = new Set((await readProperties(maintenance, current)).map(({ sql }) => sql(incoming)));
  for (const { allowed, sql, undo } of await readProperties(maintenance, incoming))
    if (allowed && !now.has(sql(incoming))) await maintenance.execute(undo(incoming));
  await carryProperties(maintenance, names);
}

/** Settings and grants of the present database, as they are now. */
async function carryProperties(maintenance: Session, names: SwapNames): Promise<void> {
  for (const { allowed, sql } of await readProperties(maintenance, names.current))
    if (allowed) await maintenance.execute(sql(names.incoming));
}

/** The last property of the present database: set only now, as the copy itself needs more sessions than it may allow. */
export async function carryConnectionLimit(maintenance: Session, names: SwapNames): Promise<void> {
  const [row] = await maintenance.rows<{ limit: string }>(
    `select datconnlimit as limit from pg_database where datname = ${quoteText(names.current)}`,
  );
  if (row && row.limit !== '-1')
    await maintenance.execute(`alter database ${quoteName(names.incoming)} connection limit ${row.limit}`);
}
