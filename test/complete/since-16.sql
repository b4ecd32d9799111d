-- What PostgreSQL 16 brought.
create collation shop.by_rules (provider = icu, locale = 'und', rules = '&V << w <<< W');
create table shop.stored (a text storage external, b text storage main compression pglz collate shop.by_rules);
insert into shop.stored values ('a', 'w'), (null, 'V');
create table shop.truncated_together (a integer);
create trigger truncated before truncate on shop.truncated_together for each statement execute function shop.note();
create view shop.json_checks as select id, body is json object as object from (values (1, '{}'), (2, 'x')) v (id, body);
create view shop.any_values as select any_value(a) as a, json_arrayagg(a) as list from shop.parent;
create table shop.integer_forms (a integer default 0x1F, b bigint default 1_000_000);
