-- Functions, aggregates, operators, casts, triggers, rules, views, row security.

-- A body that holds what pg_dump writes between two objects.
create function public.evil(text default E'a\\b''', "Argument; 2" integer default 1) returns text language plpgsql as $body$
begin
  perform 'x'; -- it's


--
-- Name: victim; Type: TABLE; Schema: public; Owner: -
--

  return $1 || $$ it's ; "quoted" $$ /* and */;
--
-- PostgreSQL database dump complete
--
end;
$body$;
create function public.evil_too() returns text language sql as $$
  select 'unclosed "';


--
-- Name: victim; Type: INDEX; Schema: public; Owner: -
--

$$;
create function public."evil three; Type: INDEX; Schema: x"() returns text language sql as E'select ''\\''::text || E''\\''\';\n\n\n--\n-- Name: v; Type: INDEX; Schema: public; Owner: -\n--\n\n';
create function public.evil_last() returns text language sql as $a$ select $b$ $a $ $$ '
--
-- Name: v; Type: INDEX; Schema: public; Owner: -
--
$b$ $a$;
comment on function public.evil is 'holds $body$ and '' and
--
-- Name: victim; Type: COMMENT; Schema: public; Owner: -
--
;';

-- Functions in every form.
create function shop.atomic(a integer, out b integer, out c text) language sql immutable parallel safe
  begin atomic select a + 1, 'it''s; $$ -- '::text; end;
create function shop.returns_plainly(shop.score) returns integer immutable strict language internal as 'int4pl';
create function shop.many(variadic integer[]) returns table (n integer, name text) language sql stable rows 17 cost 9
  as $$ select x, x::text from unnest($1) x $$;
create function shop.many(variadic text[]) returns setof shop.parent language sql security definer set search_path = shop, "My Schema"
  set work_mem = '8MB' as $$ select id, a from parent $$;
create function shop.quiet(anyelement, inout x anyarray) language plpgsql leakproof called on null input as 'begin end';
create function shop.windowed() returns bigint language internal window immutable as 'window_row_number';
create procedure shop.proceed(inout a integer, b text default null) language plpgsql as $$ begin commit; end $$;
create procedure shop.atomic_proceed() begin atomic delete from shop.scratch where id = 1; delete from shop.scratch where id = 2; end;
create function shop.reads_by_key() returns setof text language sql stable
  begin atomic select a from shop.parent group by id; end;
create function shop.in_other_language() returns integer language plhand as $$ begin return 1; end $$;
comment on procedure shop.proceed is 'a procedure';

-- Aggregates.
create function shop.add(bigint, integer) returns bigint language sql immutable parallel safe as 'select coalesce($1, 0) + $2';
create aggregate shop.total(integer) (sfunc = shop.add, stype = bigint, initcond = '0', combinefunc = int8pl, parallel = safe,
  msfunc = shop.add, mstype = bigint, minvfunc = shop.add, minitcond = '5');
create aggregate shop.percentile(float8 order by float8) (
  sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra);
create aggregate shop.newest(text) (sfunc = text_larger, stype = text, sortop = >);
comment on aggregate shop.total(integer) is 'a total';

-- Operators, with classes and families.
create function shop.score_lt(shop.score, shop.score) returns boolean language internal immutable strict as 'int4lt';
create function shop.score_eq(shop.score, shop.score) returns boolean language internal immutable strict as 'int4eq';
create function shop.score_gt(shop.score, shop.score) returns boolean language internal immutable strict as 'int4gt';
create function shop.score_le(shop.score, shop.score) returns boolean language internal immutable strict as 'int4le';
create function shop.score_ge(shop.score, shop.score) returns boolean language internal immutable strict as 'int4ge';
create function shop.score_cmp(shop.score, shop.score) returns integer language internal immutable strict as 'btint4cmp';
create operator shop.< (leftarg = shop.score, rightarg = shop.score, function = shop.score_lt, commutator = operator(shop.>), negator = operator(shop.>=), restrict = scalarltsel, join = scalarltjoinsel);
create operator shop.> (leftarg = shop.score, rightarg = shop.score, function = shop.score_gt, commutator = operator(shop.<), negator = operator(shop.<=));
create operator shop.<= (leftarg = shop.score, rightarg = shop.score, function = shop.score_le, commutator = operator(shop.>=), negator = operator(shop.>));
create operator shop.>= (leftarg = shop.score, rightarg = shop.score, function = shop.score_ge, commutator = operator(shop.<=), negator = operator(shop.<));
create operator shop.= (leftarg = shop.score, rightarg = shop.score, function = shop.score_eq, commutator = operator(shop.=), merges);
create operator family shop.scores using btree;
create operator class shop.score_ops default for type shop.score using btree family shop.scores as
  operator 1 shop.<, operator 2 shop.<=, operator 3 shop.=, operator 4 shop.>=, operator 5 shop.>, function 1 shop.score_cmp(shop.score, shop.score);
create operator family shop.loose using hash;
create operator public.### (rightarg = integer, function = int4um);
comment on operator public.### (none, integer) is 'turns it round';
comment on operator class shop.score_ops using btree is 'a class';
comment on operator family shop.scores using btree is 'a family';
create table shop.scores (a shop.score primary key);
insert into shop.scores values ('3'), ('-1');
create index on shop.scores (a shop.score_ops desc);

-- Casts and transforms.
create cast (shop.score as integer) without function as implicit;
create cast (integer as shop.score) without function;
create cast (shop.money_of as numeric) with inout as assignment;
create function shop.of_integer(integer) returns shop.money_of immutable language sql as $$ select row($1, 'EUR')::shop.money_of $$;
create cast (integer as shop.money_of) with function shop.of_integer(integer) as assignment;
create function shop.score_recv(internal) returns shop.score immutable strict language internal as 'int4recv';
create transform for shop.score language sql (from sql with function prsd_lextype(internal), to sql with function shop.score_recv(internal));
comment on cast (shop.score as integer) is 'a cast';

-- Triggers: of rows, of statements, of constraints, with transition tables, on partitions, and not enabled.
create table shop.triggered (id integer primary key, a text);
create table shop.audit (what text);
create function shop.note() returns trigger language plpgsql as $$
begin
  insert into shop.audit values (tg_name || coalesce(tg_argv[0], ''));
  return new;
end $$;
create trigger row_before before insert or update of a on shop.triggered for each row when (new.a is distinct from 'x''y') execute function shop.note('it''s', E'\\');
create trigger "After Statement" after truncate on shop.triggered for each statement execute function shop.note();
create trigger transitions after update on shop.triggered referencing old table as "Old" new table as n for each statement execute function shop.note();
create constraint trigger at_the_end after insert on shop.triggered from shop.audit deferrable initially deferred for each row execute function shop.note();
create trigger disabled before delete on shop.triggered for each row execute function shop.note();
create trigger replica_only before delete on shop.triggered for each row execute function shop.note();
create trigger always before delete on shop.triggered for each row execute function shop.note();
create trigger would_refuse before insert on shop.audit for each row execute function shop.note();
alter table shop.triggered disable trigger disabled, enable replica trigger replica_only, enable always trigger always;
alter table shop.audit disable trigger would_refuse;
insert into shop.triggered values (1, 'a'), (2, 'x''y');
commit; -- the deferred one fires
alter table shop.audit enable trigger would_refuse;
create trigger on_partitions after insert on shop.sales for each row execute function shop.note();
alter table shop.sales_2026 disable trigger on_partitions;
create trigger own_of_leaf after delete on shop.sales_2025_eu_1 for each row execute function shop.note();
comment on trigger row_before on shop.triggered is 'a trigger';
alter table shop.triggered disable trigger "After Statement";

-- Rules.
create rule "no; deletes" as on delete to shop.audit where old.what = 'a;b' do instead nothing;
create rule log_updates as on update to shop.audit do also (insert into shop.scratch (body) values ('x'); notify changed);
alter table shop.audit disable rule log_updates;
comment on rule "no; deletes" on shop.audit is 'a rule';

-- Views.
create view shop.plain as select i.id, i.name as "Name; ""of""", a.owner from shop.indexed i join shop.accounts a on a.id = i.id and a.bank = 1;
create view shop.barrier with (security_barrier) as select * from shop.parent where id > 0;
create view shop.checked with (check_option = cascaded) as select * from shop.barrier where a <> 'nobody';
create recursive view shop.counting (n) as values (1) union all select n + 1 from counting where n < 10;
create view "My Schema"."with default" as select id, a from shop.parent;
alter view "My Schema"."with default" alter a set default 'by view';
create view shop.by_key as select p.id, p.a, count(*) as children from shop.parent p join shop.child c using (id) group by p.id;
create view shop.by_key_too as select sum(children) as total from shop.by_key;
create view shop.no_columns as select;
create function shop.on_view() returns trigger language plpgsql as 'begin return null; end';
create trigger instead_of instead of update on shop.plain for each row execute function shop.on_view();
create rule into_view as on insert to shop.plain do instead nothing;
comment on view shop.plain is 'a view';
comment on column shop.plain.id is 'of a view';

-- Materialized views, which depend on one another, on functions, and on the primary key that they group by.
create function shop.twice(integer) returns integer language sql stable as 'select 2 * $1';
create materialized view shop.z_base with (fillfactor = 80) as select room, count(*) as many, shop.twice(room) as twice from shop.indexed group by room;
create materialized view shop.m_middle as select sum(many) as total from shop.z_base;
create materialized view shop.a_top as select total, (select count(*) from shop.by_key) as keys from shop.m_middle;
create materialized view shop.grouped as select id, a, count(*) as lines from shop.parent group by id;
create materialized view "My Schema"."Mat ""view""; Type: X
two" as select lines, id from shop.grouped;
create materialized view shop.unfilled as select 1 / 0 as never with no data;
create materialized view shop.in_heap_2_too using heap_2 as select id from shop.in_heap_2 group by id;
create unique index on shop.z_base (room);
create index on "My Schema"."Mat ""view""; Type: X
two" (lines);
create statistics shop.of_view on room, many from shop.z_base;
create statistics shop.of_grouped on id, a from shop.grouped;
alter materialized view shop.z_base cluster on z_base_room_idx;
comment on materialized view shop.z_base is 'filled';
comment on index shop.z_base_room_idx is 'of a materialized view';

-- Row security, forced or not, enabled or not, with policies of every kind.
create table shop.secured (id integer primary key, owner name default current_user);
insert into shop.secured values (1, 'seller'), (2, 'nobody');
alter table shop.secured enable row level security, force row level security;
create policy "own; rows" on shop.secured using (owner = current_user) with check (owner <> 'it''s');
create policy to_roles on shop.secured as restrictive for update to seller, "Night ""Shift""" using (id > 0);
create policy inserting on shop.secured for insert to public with check (exists (select from shop.barrier));
create table shop.secured_from_all (id integer);
insert into shop.secured_from_all values (1);
alter table shop.secured_from_all enable row level security;
create table shop.not_yet_secured (id integer);
alter table shop.not_yet_secured force row level security;
create policy dormant on shop.not_yet_secured for select using (true);
create materialized view shop.of_secured as select count(*) from shop.secured;
analyze shop.indexed, shop.z_base, shop.grouped;
comment on policy "own; rows" on shop.secured is 'a policy';

-- Publications, which come only where they are asked for.
create publication everything for all tables;
create publication "Some; of it" for table shop.parent, only shop.indexed with (publish = 'insert, delete', publish_via_partition_root = true);
comment on publication everything is 'a publication';

-- Event triggers, last: they would see all of the above.
create function shop.on_ddl() returns event_trigger language plpgsql as $$ begin raise log 'ddl: %', tg_tag; end $$;
create event trigger "on; end" on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function shop.on_ddl();
create event trigger refusing on ddl_command_start execute function shop.on_ddl();
alter event trigger refusing disable;
create event trigger always on sql_drop execute function shop.on_ddl();
alter event trigger always enable always;
comment on event trigger always is 'an event trigger';
