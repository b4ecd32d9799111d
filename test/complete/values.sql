-- Values that a copy may bend: each must arrive as it is, to the byte.

create schema bytes;
create table bytes.texts (id integer primary key, a text, b varchar(100), c char(10), d "char", e name, f public.citext);
insert into bytes.texts values
  (1, '', '', '', '', '', ''),
  (2, '\N', '\N', '\N', '\', '\N', '\N'),
  (3, E'\\.', E'\\.\n', '  x  ', ' ', 'NULL', 'MiXed'),
  (4, E'a\r\nb\n\rc\r', E'\t\t', E'\n', E'\n', 'null', E'\x01\x7f'),
  (5, E'back\\slash \\n \\t \\x41', '"quoted","csv"', 'a         ', '"', '"', ''''),
  (6, E'\u00e4\u0301\U0001F600\u200b\ufeff', 'ẞ', 'ööööö', 'z', 'ö', 'Ö'),
  (7, '  ', '  ', null, null, null, null),
  (8, null, null, null, null, null, null),
  (9, (select string_agg(chr(n), '') from generate_series(1, 2000) n), null, null, null, null, null);
create table bytes.numbers (
  id integer primary key, a smallint, b integer, c bigint, d numeric, e numeric(20, 5), f real, g double precision, h money, i oid);
insert into bytes.numbers values
  (1, -32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', 'NaN', 'NaN', '-92233720368547758.08', 0),
  (2, 32767, 2147483647, 9223372036854775807, 'Infinity', null, 'Infinity', 'Infinity', '92233720368547758.07', 4294967295),
  (3, 0, 0, 0, '-Infinity', 0, '-Infinity', '-Infinity', '0', 1),
  (4, null, null, null, 1.00, 1.00000, '-0', '-0', '1.5', null),
  (5, null, null, null, 1.0, 1, 1e-37, 1e-300, null, null),
  (6, null, null, null, '12345678901234567890.123456789012345678901234567890', 0.1, 0.1, 0.1, null, null),
  (7, null, null, null, ('1' || repeat('0', 2000) || '.' || repeat('3', 1000))::numeric, null, 3.4028235e38, 1.7976931348623157e308, null, null),
  (8, null, null, null, 0.00, -0.00001, 1.1754944e-38, 4.9e-324, null, null),
  (9, null, null, null, 1e-1000, null, 16777217, 0.30000000000000004, null, null);
create table bytes.times (
  id integer primary key, a date, b time, c timetz, d timestamp, e timestamptz, f interval, g timestamptz(3), h interval day to second(2));
insert into bytes.times values
  (1, 'infinity', '24:00:00', '24:00:00-15:59:59', 'infinity', 'infinity', '1 mon', 'infinity', '1 day'),
  (2, '-infinity', '00:00:00.000001', '12:00:00.123456+05:45', '-infinity', '-infinity', '30 days', null, '24:00:00.019'),
  (3, '4713-11-24 BC', null, '12:00:00+00', '4713-11-24 00:00:00 BC', '4713-11-24 12:00:00+00 BC', '-178000000 years', null, null),
  (4, '5874897-12-31', null, '13:00:00+01', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '1 year -2 mons +3 days -04:05:06.789012', null, null),
  (5, '0001-01-01 BC', null, null, '2026-03-29 02:30:00.000001', '2026-10-25 02:30:00+02', '720:00:00', '2026-01-01 00:00:00.1235+00', null),
  (6, null, null, null, null, '1883-11-18 12:00:00.000001-04:56:02', '-00:00:00.000001', null, null);
create table bytes.documents (id integer primary key, a json, b jsonb, c xml, d tsvector, e tsquery, f jsonpath);
insert into bytes.documents values
  (1, '{"b": 1,   "a": 12345678901234567890.10, "a": 1e400, "b": "\u0000 \ud83d\ude00"}', '{"b": 1, "a": 12345678901234567890.10, "a": 1.10, "c": 1E5}',
   '<a b="1">&lt; <!-- c --> <![CDATA[ ]]> </a>', '''it''''s'':1A,2B ''a\\b'':16383', '''a'' & !(''b'':* <2> ''c'':AB)', '$."a"[*] ? (@ > 1.10)'),
  (2, ' null', 'null', 'text &amp; no tag', '', '', 'strict $'),
  (3, '[1.0, 1.00, -0, 1E+2]', '[1.0, 1.00, -0.0, 0.10]', '<?xml version="1.0" encoding="UTF-8"?><a/>', null, null, null),
  (4, '"\\ \" \/ \b \u00e4"', '"\\ \" \/ \b \u00e4"', null, null, null, null),
  (5, null, null, null, null, null, null);
create table bytes.binaries (id integer primary key, a bytea, b bit(10), c bit varying, d uuid, e macaddr, f macaddr8, g inet, h cidr, i pg_lsn, j xid8, k tid, l txid_snapshot);
insert into bytes.binaries values
  (1, (select string_agg(decode(lpad(to_hex(n), 2, '0'), 'hex'), '') from generate_series(0, 255) n), B'1010101010', B'', '00000000-0000-0000-0000-000000000000',
   '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '::ffff:1.2.3.4/120', '10.0.0.0/8', 'FF/1', '18446744073709551615', '(4294967295,65535)', '10:20:10,14'),
  (2, '', B'0000000000', B'1', null, null, null, '10.0.0.1/8', '::/0', '0/0', '0', '(0,0)', null),
  (3, '\x5c4e0a5c2e', null, B'00000000000', null, null, null, '1.2.3.4', '::1/128', null, null, null, null),
  (4, decode(repeat('00ff', 100000), 'hex'), null, repeat('10', 50000)::varbit, null, null, null, null, null, null, null, null, null);
create table bytes.shapes (id integer primary key, a point, b line, c lseg, d box, e path, f polygon, g circle);
insert into bytes.shapes values
  (1, '(-0,1e-300)', '{1,-1,0.1}', '[(0.1,0.2),(3,4)]', '(1,2),(-3,-4)', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0.1,0.2),1e300>'),
  (2, '(NaN,Infinity)', '{0,1,0}', null, '(Infinity,0),(0,-Infinity)', '((0,0),(1,1))', null, '<(0,0),0>');
create table bytes.arrays (
  id integer primary key, a integer[], b text[][], c numeric[], d shop.mood[], e shop.price[], f bytea[], g timestamptz[], h shop.isbn[], i jsonb[], j shop.float_range[], k "My Schema"."a ""b"", c"[], l varchar(3)[], m regclass[], n shop.tags[]);
insert into bytes.arrays values
  (1, '[-2:0]={1,NULL,3}', '{{"a,b","c\"d"},{"{}",NULL}}', '{1.0,1.00,NaN}', array['it''s, "fine"; \ really', null]::shop.mood[],
   array[row(1, 'EUR')]::shop.price[], array['\x00ff'::bytea, ''], '{infinity,"4713-11-24 00:00:00+00 BC"}', '{1-2,3}', array['{"a":1.0}'::jsonb, 'null'],
   '{"[1,2)",empty,"(,)"}', array[row(E'\\"', 'sad', array[row(1, 'A')::shop.money_of])]::"My Schema"."a ""b"", c"[], '{ab,"a b"}', '{shop.parent,pg_class}',
   array['{a,"b c"}'::shop.tags]),
  (2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
  (3, '[2:3][0:1]={{1,2},{3,4}}', '[5:5]={NULL}', null, null, null, null, null, null, null, null, null, null, null, null),
  (4, '{1,NULL,3}', '{"NULL","null",""," "}', null, null, null, null, null, null, null, null, null, null, null, null);
create table bytes.ranges (
  id integer primary key, a int4range, b numrange, c tstzrange, d daterange, e int8multirange, f nummultirange, g shop.float_range, h shop.float_ranges, i shop.text_range, j tsrange[]);
insert into bytes.ranges values
  (1, '[1,5)', '[1.0,1.00]', '[-infinity,infinity]', '(,)', '{[1,2),[5,)}', '{[1.10,1.2)}', '[-0,1e-300)', '{[1,2),(3,NaN]}', '[a,"b,"" )")', '{"[2026-01-01 00:00:00.000001,)"}'),
  (2, 'empty', '(,1.50)', 'empty', '[2026-01-01,infinity)', '{}', '{}', 'empty', '{}', '("",)', '{}'),
  (3, null, '[NaN,NaN]', '[2026-01-01 00:00:00+00,2026-01-01 00:00:00+00]', null, null, '{(,)}', null, null, '[\\,]', null);
create table bytes.composites (id integer primary key, a "My Schema"."a ""b"", c", b shop.money_of, c shop.empty, d shop.price);
insert into bytes.composites values
  (1, row('a "quoted", (thing) \ ''', 'it''s, "fine"; \ really', array[row(1.10, 'A'), null]::shop.money_of[]), row(null, null), row(), row(0, 'EUR')),
  (2, row('', null, '{}'), row(1, ''), null, null),
  (3, null, null, null, null);
create table bytes.registered (id integer primary key, a regclass, b regtype, c regproc, d regprocedure, e regoper, f regoperator, g regnamespace, h regrole, i regconfig, j regdictionary, k regcollation);
insert into bytes.registered values
  (1, 'shop.parent', 'shop.mood', 'shop.note', 'shop.many(integer[])', '###', '###(none,integer)', '"My Schema"', 'seller', 'shop.without_accents', 'shop.plain', 'shop.ignoring_case'),
  (2, '"My Schema"."Order Items"', 'text[]', 'now', 'now()', null, '+(integer,integer)', 'pg_catalog', 'postgres', 'english', 'simple', '"C"'),
  (3, '-', '-', '-', '-', '0', '0', '-', '-', '-', '-', '-'),
  (4, null, null, null, null, null, null, null, null, null, null, null);
create table bytes.extended (id integer primary key, a extensions.hstore, b shop.ltree, c shop.score, d public.citext[], e extensions.hstore[]);
insert into bytes.extended values
  (1, '"a \"b"=>"\\ ''", c=>NULL, ""=>""', 'a.b.c', '-5', '{A,a,"a b"}', array['a=>1'::extensions.hstore, null]), (2, '', '', null, '{}', '{}');
create table bytes.by_collation (a text collate shop.ignoring_case, b text collate "My Schema"."de Phone", c text collate "POSIX");
create index on bytes.by_collation (a);
create unique index on bytes.by_collation (b);
insert into bytes.by_collation values ('A', 'ä', 'a'), ('a', 'ae', 'A'), ('Ä', 'z', null);
-- Values outside of their row: compressed, as they are, and both in one row.
create table bytes.toasted (id integer primary key, compressed text, external text, noise bytea, list integer[]);
alter table bytes.toasted alter external set storage external;
insert into bytes.toasted
  select n, repeat('compressed ' || n, 100000), repeat('external', 50000),
         (select string_agg(decode(md5((n * 100000 + m)::text), 'hex'), '') from generate_series(1, 20000) m), array(select generate_series(1, 10000))
    from generate_series(1, 3) n;
insert into bytes.toasted values (4, null, '', '', null);
create table bytes.wide_nulls (id integer primary key);
do $$
begin
  for n in 1..300 loop
    execute format('alter table bytes.wide_nulls add column c%s %s', n, (array['integer', 'text', 'boolean', 'numeric'])[n % 4 + 1]);
  end loop;
end
$$;
insert into bytes.wide_nulls (id, c1, c300, c150) values (1, '', null, true), (2, null, 7, null), (3, null, null, null);
