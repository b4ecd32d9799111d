-- Large objects: empty, of more than one page, with a hole, with a comment, and named by a table.
create table public.pictures (id integer primary key, picture oid, gone oid);
select lo_create(70001);
select lo_from_bytea(70002, decode(repeat('00ff0d0a5c', 10000), 'hex'));
select lo_from_bytea(70003, '\x01');
select lo_put(70003, 100000, '\xff');
select lo_from_bytea(4294967295, 'last');
select lo_from_bytea(70005, '\x00');
comment on large object 70003 is 'with a hole, it''s';
insert into public.pictures values (1, 70002, null), (2, 70005, 70999);
