-- What PostgreSQL 18 brought.
create table shop.virtual (a integer, b integer generated always as (a * 2) virtual, c text generated always as (a::text || 'x') stored);
insert into shop.virtual (a) values (1), (null);
create table shop.not_null_not_valid (a integer, b integer constraint "named; not null" not null no inherit);
insert into shop.not_null_not_valid values (null, 1);
alter table shop.not_null_not_valid add constraint later not null a not valid;
create table shop.not_enforced (id integer, account integer, bank integer, check (id > 5) not enforced,
  foreign key (bank, account) references shop.accounts not enforced);
insert into shop.not_enforced values (1, 77, 77);
create table shop.temporal (id integer, valid daterange, primary key (id, valid without overlaps));
insert into shop.temporal values (1, '[2026-01-01,2026-06-01)'), (1, '[2026-06-01,)');
create table shop.temporal_child (id integer, parent integer, valid daterange, foreign key (parent, period valid) references shop.temporal (id, period valid));
insert into shop.temporal_child values (1, 1, '[2026-05-01,2026-07-01)');
create table shop.partitioned_not_valid (sale integer, at timestamptz) partition by range (at);
create table shop.partitioned_not_valid_all partition of shop.partitioned_not_valid default;
insert into shop.partitioned_not_valid values (1, '2000-01-01');
alter table shop.partitioned_not_valid add foreign key (sale, at) references shop.refunds (id, at) not valid;
create view shop.old_and_new as select id from shop.parent;
create function shop.returning_both() returns void begin atomic update shop.parent set a = 'x' returning old.a, new.a as b; end;
create table shop.uuid_7 (id uuid primary key default uuidv7());
insert into shop.uuid_7 default values;
