-- What PostgreSQL 15 brought.
create table shop.not_distinct (a integer, b integer, unique nulls not distinct (a, b));
create unique index not_distinct_b on shop.not_distinct (b) nulls not distinct where a is not null;
insert into shop.not_distinct values (null, null), (1, null);
create view shop.of_invoker with (security_invoker = true, security_barrier = false) as select * from shop.secured;
create unlogged sequence shop.unlogged_numbers start 5;
select nextval('shop.unlogged_numbers');
create unlogged table shop.unlogged_identity (id integer generated always as identity, a text);
insert into shop.unlogged_identity (a) values ('a'), ('b');
create table shop.set_null_some (bank integer not null, account integer, foreign key (bank, account) references shop.accounts on delete set null (account));
create table shop.rounded (a numeric(3, -2), b numeric(2, 5));
insert into shop.rounded values (12345, 0.00012);
create publication filtered for table shop.indexed (id, name) where (id > 5 and name <> 'it''s');
create publication of_schemas for tables in schema bytes, "My Schema";
create materialized view shop.also_in_heap_2 using heap_2 as select 1 as a;
alter materialized view shop.also_in_heap_2 set access method heap;
create trigger cloned_name after update on shop.refunds for each row execute function shop.note();
alter trigger cloned_name on shop.refunds rename to renamed;
