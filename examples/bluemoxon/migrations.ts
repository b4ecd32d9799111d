import { readdirSync, readFileSync } from 'node:fs';

export interface Migration {
  readonly revision: string;
  /** Of the migration before it; absent for the first. */
  readonly parent?: string;
  readonly description: string;
  readonly sql: string;
  /** `table.column`s that code of this revision reads. */
  readonly needs: readonly string[];
}

/** What the code of each revision reads that the one before it did not. */
const needs: Readonly<Record<string, readonly string[]>> = {
  l4567890opqr: [
    'books.title',
    'books.search_vector',
    'book_images.s3_key',
    'book_analyses.key_phrases',
    'users.cognito_sub',
  ],
  m5678901qrst: ['eval_runbooks.condition_positives', 'eval_price_history.discount_code'],
  n6789012uvwx: ['eval_runbook_jobs.status'],
  o7890123wxyz: ['eval_runbooks.fmv_notes', 'eval_runbooks.fmv_confidence'],
  p8901234yzab: ['books.tracking_status', 'books.tracking_last_checked'],
  q0123456cdef: ['books.is_first_edition', 'books.has_provenance'],
  r1234567ghij: ['book_analyses.extraction_status'],
  s2345678klmn: ['authors.tier'],
};

const folder = new URL('alembic/versions/', import.meta.url);

/** The team's own files, which Alembic would run, oldest first: each follows the one before it. */
const migrations = inOrder(readdirSync(folder).map((name) => readMigration(name)));

function readMigration(name: string): Migration {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const part = (form: RegExp) => {
    const [, found] = form.exec(text) ?? [];
    if (found === undefined) throw new Error(`${name} has no ${form.source}`);
    return found;
  };
  const revision = part(/^revision = '(.+)'$/m);
  const parent = part(/^down_revision = (.+)$/m);
  return {
    revision,
    ...(parent === 'None' ? {} : { parent: parent.slice(1, -1) }),
    description: part(/^"""(.+)$/m),
    sql: part(/op\.execute\(r"""([\s\S]+?)"""\)/),
    needs: needs[revision] ?? [],
  };
}

function inOrder(all: readonly Migration[]): readonly Migration[] {
  const ordered: Migration[] = [];
  for (let next = all.find(({ parent }) => parent === undefined); next;) {
    ordered.push(next);
    const { revision } = next;
    next = all.find(({ parent }) => parent === revision);
  }
  return ordered;
}

/** Production's revision on the day of the review, and staging's, two ahead of it. */
export const productionRevision = 'q0123456cdef';
export const stagingRevision = 's2345678klmn';

/** The migrations that code of revision `head` carries: it does not know any newer one. */
export function migrationsUpTo(head: string): readonly Migration[] {
  const last = migrations.findIndex((migration) => migration.revision === head);
  if (last < 0) throw new Error(`there is no migration ${head}`);
  return migrations.slice(0, last + 1);
}

/** What `head` has that a database at `current` lacks; `undefined` where that code does not know `current`. */
export function pendingMigrations(current: string, head: string): readonly Migration[] | undefined {
  const known = migrationsUpTo(head);
  const position = known.findIndex((migration) => migration.revision === current);
  return position < 0 ? undefined : known.slice(position + 1);
}
