-- What PostgreSQL 17 brought.
create table shop.partitioned_identity (id bigint generated always as identity (start 7), a integer, room integer) partition by list (a);
create table shop.partitioned_identity_1 partition of shop.partitioned_identity for values in (1);
create table shop.partitioned_identity_2 (id bigint not null, a integer, room integer);
alter table shop.partitioned_identity attach partition shop.partitioned_identity_2 for values in (2);
insert into shop.partitioned_identity (a, room) values (1, 1), (2, 2), (1, 3);
create table shop.partitioned_in_heap_2 (a integer) partition by range (a) using heap_2;
create table shop.partitioned_in_heap_2_all partition of shop.partitioned_in_heap_2 default;
insert into shop.partitioned_in_heap_2 values (1);
create collation shop.built_in (provider = builtin, locale = 'C.UTF-8');
create table shop.by_built_in (a text collate shop.built_in primary key);
insert into shop.by_built_in values ('ä'), ('Z'), ('a');
create table bytes.infinite (a interval);
insert into bytes.infinite values ('infinity'), ('-infinity'), ('1 day');
create view shop.json_table as select * from json_table('[{"a": 1}]'::jsonb, '$[*]' columns (a integer path '$.a', nested path '$.b[*]' columns (b text path '$')));
create event trigger on_login on login execute function shop.on_ddl();
create view shop.merged as select id from shop.parent;
create function shop.merging() returns void begin atomic
  merge into shop.parent p using shop.child c on p.id = c.id when not matched by source then delete when matched then update set a = 'x' returning merge_action(), p.id;
end;
alter table shop.audit alter what set statistics default;
