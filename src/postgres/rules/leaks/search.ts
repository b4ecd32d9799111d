import { quoteName, quoteTable } from '../../names.ts';
import { inRange, type BlockRange } from '../../ranges.ts';
import { lowered, wordsOf } from './normal-form.ts';
import type { SearchedTable } from './searched-tables.ts';
import { fastHash, hashOf, mostWords, type Encodings } from './telling-values.ts';

/** Rows with more text than this are searched piece by piece: PostgreSQL holds all of a row's words at once. */
const longBytes = 1024 * 1024;
const pieceBytes = 256 * 1024;
/** So much of a piece stands in the next one too: a value that is cut at the end of one is whole there. */
const overlapBytes = 4096;

/** What the search needs beside the values, in its own schema: made in the new database, and dropped with it or before. */
export function searchFunctions(schema: string): string {
  return `
    create function ${schema}.unescaped(value text) returns text language plpgsql as $$
    begin
      return case when strpos(value, '\\u') = 0 then value else value::jsonb::text end;
    exception when others then
      return value; -- it has what json may hold and jsonb may not
    end $$;
    create function ${schema}.pieces(value text) returns setof text language plpgsql as $$
    declare
      bytes bytea := convert_to(value, 'UTF8');
      size integer := octet_length(bytes);
      first integer := 0;
      past integer;
    begin
      loop
        past := least(first + ${pieceBytes}, size);
        while past < size and get_byte(bytes, past) & 192 = 128 loop past := past - 1; end loop;
        return next convert_from(substring(bytes from first + 1 for past - first), 'UTF8');
        exit when past >= size;
        first := past - ${overlapBytes};
        while get_byte(bytes, first) & 192 = 128 loop first := first - 1; end loop;
      end loop;
    end $$`;
}

/**
 * SELECT of what is found in some columns of a table, or in a part of it: `origin`, the number of whose values, and in how many `rows`.
 * `mask`: of the filter, one less than its bits. The columns of a row are read as one text, so that a first name and a last name
 * beside it are one name.
 *
 * Each word is hashed once, fast, and looked up in the filter: that of all first words. Where it is in, it is hashed with the next one.
 * Only what is left is hashed by SHA-256 in all lengths and looked up in the table of values.
 */
export function selectFound(
  searched: SearchedTable,
  {
    schema,
    mask,
    range,
    long,
    encodings,
    leastBytes,
  }: {
    readonly schema: string;
    readonly mask: number;
    readonly range?: BlockRange;
    /** Whether rows with much text are searched, or all others. */
    readonly long: boolean;
    readonly encodings: Encodings;
    /** No value has fewer. */
    readonly leastBytes: number;
  },
): string {
  const bit = (text: string, of: 'head' | 'whole') =>
    `get_bit((select bits || ''::bytea from ${schema}.filter), ${fastHash(text, of, encodings)} & ${mask})`;
  return `
    select origin, count(distinct place) as rows
      from (
        select c.place,
               (select v.n from ${schema}.values v
                 where v.hash = ${hashOf(`array_to_string(c.w[c.i:c.i + k.length - 1], ' ')`)} order by v.n limit 1) as origin
          from (
            select place, w, i
              from (
                select place, w, a, unnest(array_positions(w, a)) as i
                  from (
                    select place, w, unnest(w) as a
                      from (select place, ${wordsOf('x')} as w from (${rows(searched, { schema, range, long, leastBytes })} offset 0) lowered offset 0) cut
                    offset 0) words
                 where ${bit('a', 'head')} = 1
                offset 0) heads
             where case when ${bit('a', 'whole')} = 1 then true
                        when w[i + 1] is null then false
                        else ${bit(`a || ' ' || w[i + 1]`, 'whole')} = 1 end
            offset 0) c
          cross join generate_series(1, ${mostWords}) k(length)
         where c.i + k.length - 1 <= cardinality(c.w)
        offset 0) found
     where origin is not null
     group by origin`;
}

/** SELECT of each row as one text: `place` and `x`; of a long one each piece of each column. */
function rows(
  { table, columns }: SearchedTable,
  {
    schema,
    range,
    long,
    leastBytes,
  }: { schema: string; range: BlockRange | undefined; long: boolean; leastBytes: number },
): string {
  const texts = columns.map(({ name, escaped }) => {
    const text = `${quoteName(name)}::text`;
    return escaped ? `${schema}.unescaped(${text})` : text;
  });
  const names = texts.map((_, index) => `c${index}`);
  const from = `
    from (select ctid as place, ${texts.map((text, index) => `${text} as c${index}`).join(', ')} from only ${quoteTable(table)}${range ? ` where ${inRange(range)}` : ''} offset 0) r`;
  const size = names.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ');
  if (long)
    return `select place, ${lowered('piece')} as x ${from}
      cross join lateral unnest(array[${names.join(', ')}]) value
      cross join lateral ${schema}.pieces(value) piece
     where ${size} > ${longBytes} and value is not null`;
  return `select place, ${lowered(names.length === 1 ? 'c0' : `array_to_string(array[${names.join(', ')}], ' ')`)} as x ${from}
     where ${size} between ${leastBytes} and ${longBytes}`;
}
