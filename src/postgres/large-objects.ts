import { lettingLocksGo } from './catalog.ts';
import { relayCopy } from './copy-relay.ts';
import type { Digest } from './digest.ts';
import { quoteText } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** How many there are. */
export async function countLargeObjects(session: ReadSession): Promise<number> {
  const [row] = await session.rows<{ count: string }>(`select count(*) as count from pg_largeobject_metadata`);
  return Number(row?.count);
}

const pageBytes = 256 * 1024;
const forReading = 0x40000; // INV_READ

/**
 * Every large object in pages, an empty one in one: `oid`, `page`, `data`. By the functions that any role may call on
 * what it may read; pg_largeobject itself is a superuser's. A descriptor is closed before the next is opened: the server
 * searches those that are open one by one. One object after the other, its pages in order.
 */
const pages = `(
    select o.oid, p.page, lo_get(o.oid, p.page * ${pageBytes}, ${pageBytes}) as data
      from pg_largeobject_metadata o
      cross join lateral (
        select case when lo_close(opened.descriptor) = 0 then opened.size end as size
          from (
            select descriptor, lo_lseek64(descriptor, 0, 2) as size
              from (select lo_open(o.oid, ${forReading}) as descriptor offset 0) d
            offset 0) opened) s
      cross join lateral generate_series(0, greatest(s.size - 1, 0) / ${pageBytes}) p(page)) pages`;

/**
 * Copies all large objects under their own numbers, as rows of pages from socket to socket: the target's server makes
 * them of what arrives, and neither it nor this process holds more than some pages at a time.
 * Throws what `relayCopy` throws.
 */
export async function copyLargeObjects(
  reader: ReadSession,
  writer: Session,
  more: { readonly onBytes?: (bytes: number) => void; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly bytes: number }> {
  await writer.execute(`
    begin;
    create view pg_temp.large_object_pages as select null::oid as oid, null::bigint as page, null::bytea as data;
    create function pg_temp.take_large_object_page() returns trigger language plpgsql as $$
    begin
      if new.page = 0 then
        perform lo_from_bytea(new.oid, new.data);
      else
        perform lo_put(new.oid, new.page * ${pageBytes}, new.data);
      end if;
      return new;
    end $$;
    create trigger take instead of insert on pg_temp.large_object_pages
       for each row execute function pg_temp.take_large_object_page()`);
  const { bytes } = await lettingLocksGo(reader, () =>
    relayCopy(reader, writer, {
      read: `copy (select * from ${pages}) to stdout (format binary)`,
      write: `copy pg_temp.large_object_pages from stdin (format binary)`,
      ...more,
    }),
  );
  await writer.execute(`drop view pg_temp.large_object_pages; drop function pg_temp.take_large_object_page(); commit`);
  await carryComments(reader, writer);
  return { bytes };
}

const removedAtOnce = 1000; // each is locked until its statement's end, and the server's lock table has an end

/** Removes all large objects. */
export async function removeLargeObjects(writer: Session): Promise<void> {
  for (;;) {
    const removed = await writer.rows(`
      select lo_unlink(o.oid) from (select oid from pg_largeobject_metadata limit ${removedAtOnce}) o`);
    if (removed.length < removedAtOnce) return;
  }
}

const commentsAtOnce = 1000;

/** The comments on large objects: a dump of the schema leaves them out. */
async function carryComments(reader: ReadSession, writer: Session): Promise<void> {
  for (let last = '0'; ;) {
    const rows = await reader.rows<{ oid: string; comment: string }>(`
      select d.objoid as oid, d.description as comment
        from pg_description d
       where d.classoid = 'pg_largeobject'::regclass and d.objoid > ${last}
       order by d.objoid
       limit ${commentsAtOnce}`);
    const end = rows.at(-1);
    if (!end) return;
    await writer.execute(
      rows.map(({ oid, comment }) => `comment on large object ${oid} is ${quoteText(comment)}`).join(';\n'),
    );
    last = end.oid;
  }
}

/** How many large objects there are, and the sum of a hash of every page of theirs with its number and place. */
export async function digestLargeObjects(session: ReadSession): Promise<Digest> {
  const [row] = await session.rows<{ rows: string; content: string }>(`
    select count(*) filter (where page = 0) as rows,
           coalesce(sum(hashtextextended(hash_record_extended(row(oid, page, data), 0)::text, 0)), 0) as content
      from ${pages}`);
  return { rows: Number(row?.rows), content: String(row?.content) };
}
