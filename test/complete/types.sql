-- Schemas, extensions, types of every kind, collations, text search, foreign data.

create schema shop;
create schema "My Schema";
create schema "ünïcode—Ж";
create schema "quo""te;
new line";
create schema extensions;
create schema "select";
comment on schema public is 'the standard one, under another description';
comment on schema "quo""te;
new line" is E'it''s\n\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n--\n\n;';

-- Extensions, with objects in public, in a schema of their own, and in one of the user's.
create extension citext schema public;
create extension hstore schema extensions;
create extension pg_trgm schema extensions;
create extension btree_gist schema extensions;
create extension unaccent schema "My Schema";
create extension ltree schema shop;
create extension postgres_fdw schema extensions;
create extension file_fdw;
comment on extension hstore is 'described by us';

-- Enums; the order is not the order of creation.
create type shop.mood as enum ('sad', 'happy');
alter type shop.mood add value 'it''s, "fine"; \ really' before 'happy';
alter type shop.mood add value 'angry' before 'sad';
create type public."Größe" as enum ('S', 'M', 'L');
create type shop.nothing as enum ();
comment on type shop.mood is 'of a customer';
commit; -- values of an enum can be used after a commit only

-- Composites, in each other and over everything else.
create type shop.money_of as (amount numeric(12, 2), currency character(3));
create type "My Schema"."a ""b"", c" as ("x y" text, "select" shop.mood, prices shop.money_of[]);
create type shop.empty as ();
comment on column shop.money_of.amount is 'with two decimals';

-- Domains: with checks, over arrays, over composites, over domains, with a check that old values break.
create domain shop.isbn as text collate "C" default '0' not null constraint digits check (value ~ '^[0-9;''-]+$');
create domain shop.isbn_13 as shop.isbn constraint long check (length(value) in (1, 13));
create domain shop.tags as text[] check (array_length(value, 1) < 10);
create domain shop.price as shop.money_of check ((value).amount >= 0);
create domain shop.positive as integer;
comment on domain shop.isbn is 'a book''s number';
comment on constraint digits on domain shop.isbn is 'digits';

-- Ranges and multiranges with names of their own.
create type shop.float_range as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = shop.float_ranges);
create type shop.text_range as range (subtype = text, collation = "C");
comment on type shop.float_range is 'from, to';

-- A base type, through its shell; it is written like an integer.
create type shop.score;
create function shop.score_in(cstring) returns shop.score language internal immutable strict as 'int4in';
create function shop.score_out(shop.score) returns cstring language internal immutable strict as 'int4out';
create type shop.score (input = shop.score_in, output = shop.score_out, like = int4);
create type shop.only_a_shell;
comment on type shop.score is 'made by hand';

-- Collations.
create collation shop.ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create collation "My Schema"."de Phone" (provider = icu, locale = 'de-u-co-phonebk');
create collation shop.as_bytes from "C";
comment on collation shop.ignoring_case is 'A = a';
create conversion shop.latin for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;

-- Text search, through an extension's dictionary and one of the user's.
create text search dictionary shop.plain (template = simple, stopwords = english);
create text search parser shop.words (
  start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline);
create text search template shop.like_simple (init = dsimple_init, lexize = dsimple_lexize);
create text search configuration shop.without_accents (copy = simple);
alter text search configuration shop.without_accents
  alter mapping for asciiword, word with "My Schema".unaccent, shop.plain, english_stem;
create text search configuration shop.own (parser = shop.words);
alter text search configuration shop.own add mapping for word with shop.plain;
comment on text search configuration shop.without_accents is 'ä = a';
comment on text search dictionary shop.plain is 'E''plain''';

-- Foreign data.
create foreign data wrapper nothing no handler options (debug 'it''s');
create server files foreign data wrapper file_fdw;
create server elsewhere type 'postgres' version '16' foreign data wrapper postgres_fdw
  options (host '127.0.0.1', dbname 'el''se', updatable 'false');
create user mapping for public server elsewhere options (user 'who''ever', password 'hidden\');
create user mapping for seller server elsewhere;
create foreign table shop.lines (line text, "number of" integer default 7) server files
  options (filename '/nowhere/"such" file''s', format 'csv');
create foreign table shop.remote (
  id integer options (column_name 'iD') not null, body shop.mood, check (id > 0)) server elsewhere
  options (schema_name 'far', table_name 'Away');
comment on foreign table shop.remote is 'never read';
comment on server elsewhere is 'far';

-- Access methods and languages of the user.
create access method heap_2 type table handler heap_tableam_handler;
create function shop.call_plhand() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create trusted language plhand handler shop.call_plhand;
comment on access method heap_2 is 'heap by another name';
comment on language plhand is 'plpgsql by another name';
