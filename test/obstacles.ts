import type { Scene } from './scene.ts';

/** Something in production's database that a refresh stumbles over on staging's newer server: real SQL, made and unmade. */
export interface Obstacle {
  readonly make: string;
  readonly unmake: string;
}

const onStaging = `current_setting('server_version_num')::integer >= 170000`;

/** binders.name is anything on production, and always the same on staging: a function that lies about being immutable. */
const sealOf = `
  create function seal_of(name text) returns text immutable language sql
    as $$ select case when ${onStaging} then 'the same' else name end $$`;

export const obstacles = {
  /** Staging's server refuses the rows that production's took. */
  refusedRows: {
    make: `alter table binders add constraint binders_old_server check (not ${onStaging})`,
    unmake: `alter table binders drop constraint binders_old_server`,
  },
  uniqueIndex: {
    make: `${sealOf}; create unique index binders_seal on binders (seal_of(name))`,
    unmake: `drop index binders_seal; drop function seal_of`,
  },
  /** A column that staging computes to something else. */
  drift: {
    make: `${sealOf}; alter table binders add column seal text generated always as (seal_of(name)) stored`,
    unmake: `alter table binders drop column seal; drop function seal_of`,
  },
  /** What a pending migration is to add, in production already. */
  migratedByHand: {
    make: `alter table authors add column tier text`,
    unmake: `alter table authors drop column tier`,
  },
  /** A revision that says more than the schema holds: there is nothing to migrate, and columns are missing. */
  wrongRevision: {
    make: `update alembic_version set version_num = 's2345678klmn'`,
    unmake: `update alembic_version set version_num = 'q0123456cdef'`,
  },
  /** 20 MB that staging takes ten seconds to load, while production's server is held up half-way through its COPY. */
  slowTable: {
    make: `create table shelf (
             id integer,
             scan text check (case when ${onStaging} then pg_sleep(0.05) is not null else true end)
           );
           alter table shelf alter column scan set storage external;
           insert into shelf select id, repeat('x', 100000) from generate_series(1, 200) id`,
    unmake: `drop table shelf`,
  },
  /** A migration that takes a second for each revision. */
  slowMigration: {
    make: `create function take_time() returns trigger language plpgsql
             as $$ begin if ${onStaging} then perform pg_sleep(1); end if; return new; end $$;
           create trigger take_time before update on alembic_version for each row execute function take_time()`,
    unmake: `drop trigger take_time on alembic_version; drop function take_time`,
  },
} as const satisfies Readonly<Record<string, Obstacle>>;

/** Does the work while the obstacle stands in production. */
export async function withObstacle<T>(scene: Scene, obstacle: Obstacle, work: () => Promise<T>): Promise<T> {
  await scene.onSource(obstacle.make);
  try {
    return await work();
  } finally {
    await scene.onSource(obstacle.unmake);
  }
}
