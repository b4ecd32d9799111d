-- Named by policies and user mappings. Roles belong to a server, not to a database: both ends have them.
do $$
declare
  name text;
begin
  foreach name in array array['seller', 'Night "Shift"'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I', name);
    end if;
  end loop;
end
$$;
