import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readRevisionFiles } from './read-revision-files.ts';
import type { RevisionFiles } from './revision-files.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Writes a folder with these files, and reads it. */
async function read(files: Readonly<Record<string, string>>, inside = ''): Promise<readonly RevisionFiles[]> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-revisions-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return readRevisionFiles(join(folder, inside));
}

/** The only form that the folder has. */
async function readOne(files: Readonly<Record<string, string>>, inside = ''): Promise<RevisionFiles> {
  const found = await read(files, inside);
  expect(found).toHaveLength(1);
  return found[0] as RevisionFiles; // just counted
}

const idsOf = ({ migrations }: RevisionFiles) => migrations.map(({ id }) => id);

function alembic(id: string, parent: string, more = ''): string {
  return `"""Make ${id}\n\nRevision ID: ${id}\nRevises: ${parent}\nCreate Date: 2025-12-1${id.length}\n\n"""\nrevision = '${id}'\ndown_revision = ${parent}\n${more}\n\ndef upgrade():\n    pass\n`;
}

describe('files of Alembic', () => {
  test('say what they are, what they do, when they were made and what they follow', async () => {
    const found = await readOne({
      'env.py': 'from alembic import context\nrevision = None\n',
      'versions/__init__.py': '',
      'versions/a1_initial.py': `"""All books

Revision ID: a1
Revises:
Create Date: 2025-11-01 08:15:30.123456

"""
from typing import Sequence, Union
from alembic import op

# revision identifiers, used by Alembic.
revision: str = "a1"
down_revision: Union[str, None] = None
branch_labels: Union[str, Sequence[str], None] = None
depends_on = None

def upgrade() -> None:
    revision = 'of the function'
`,
      'versions/b2_tier.py': `'''
    Add author tier -- it's "new"

revision = 'of the text'
'''
revision = (  # put into brackets
    'b'
    "2"
)
down_revision = ("a1",)
`,
    });
    expect(found).toMatchObject({
      tools: ['Alembic'],
      migrations: [
        {
          id: 'a1',
          file: 'versions/a1_initial.py',
          description: 'All books',
          date: '2025-11-01T08:15:30',
          parents: [],
        },
        { id: 'b2', description: `Add author tier -- it's "new"`, parents: ['a1'] },
      ],
      heads: ['b2'],
      problems: [],
    });
  });

  test('branch and meet again', async () => {
    const found = await readOne({
      'a.py': alembic('a', 'None'),
      'b.py': alembic('b', "'a'"),
      'c.py': alembic('c', '"a"'),
      'd.py': alembic('d', "('b', 'c')"),
    });
    expect(idsOf(found)).toEqual(['a', 'b', 'c', 'd']);
    expect([found.heads, found.problems]).toEqual([['d'], []]);
  });

  test('are ordered by what they follow, then by when they were made', async () => {
    const found = await readOne({
      'z.py': alembic('z', 'None'),
      'old.py': alembic('oo', "'z'"), // 2025-12-12
      'new.py': alembic('nnn', "'z'"), // 2025-12-13
      'last.py': alembic('a', "['nnn', 'oo']"),
    });
    expect(idsOf(found)).toEqual(['z', 'oo', 'nnn', 'a']);
  });

  test('have several heads where nothing brings them together, and that is told', async () => {
    const found = await readOne({
      'a.py': alembic('a', 'None'),
      'b.py': alembic('b', "'a'"),
      'c.py': alembic('c', "'a'"),
    });
    expect(found.heads).toEqual(['b', 'c']);
    expect(found.problems).toEqual(['there are 2 heads, which nothing brings together: b (b.py), c (c.py)']);
  });

  test('that another branch depends on are no heads, by their label too', async () => {
    const found = await readOne({
      'a.py': alembic('a', 'None', "branch_labels = ('shop',)\ndepends_on = None"),
      'b.py': alembic('b', 'None', "depends_on = 'shop'"),
    });
    expect([found.heads, found.problems]).toEqual([['b'], []]);
  });

  test('that bear one id, follow none that is there, or each other, are told with their names', async () => {
    const found = await readOne({
      'a.py': alembic('a', 'None'),
      'a_again.py': alembic('a', 'None'),
      'b.py': alembic('b', "'gone'"),
      'c.py': alembic('c', "'d'"),
      'd.py': alembic('d', "'c'"),
      'e.py': alembic('e', "'d'"),
      'f.py': 'revision = make_id()\ndown_revision = None\n',
    });
    expect(found.problems).toEqual([
      'f.py: its revision, down_revision or depends_on is no plain text, and it is not run to find out',
      'a is there twice: a.py, a_again.py',
      'b.py follows gone, which no file here is',
      'these follow each other in a circle: c.py, d.py',
      expect.stringMatching(/^there are 3 heads/),
    ]);
    expect(idsOf(found)).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'e']));
  });
});

const django = (dependencies: string, more = '') =>
  `# Generated by Django 5.1\nfrom django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n\n    initial = True\n${more}\n    dependencies = [${dependencies}]\n\n    operations = []\n`;

describe('files of Django', () => {
  const project = {
    'manage.py': 'import sys\n',
    'books/models.py': 'dependencies = []\n',
    'books/migrations/__init__.py': '',
    'books/migrations/0001_initial.py': django(
      "\n        migrations.swappable_dependency(settings.AUTH_USER_MODEL),\n        ('auth', '0012_alter'),\n    ",
    ),
    'books/migrations/0002_author_tier.py': django("('books', '0001_initial'), ('shops', '__first__')"),
    'shops/migrations/0001_initial.py': django("('books', '0001_initial')"),
  };

  test('of a project belong to their apps, each with a last one', async () => {
    const found = await readOne(project);
    expect(found.tools).toEqual(['Django']);
    expect(found.migrations).toEqual([
      expect.objectContaining({ id: 'books.0001_initial', app: 'books', parents: ['auth.0012_alter'] }),
      expect.objectContaining({ id: 'books.0002_author_tier', description: 'Author tier' }),
      expect.objectContaining({ id: 'shops.0001_initial' }),
    ]);
    expect([found.heads, found.problems]).toEqual([['books.0002_author_tier', 'shops.0001_initial'], []]);
  });

  test('of one app alone bear the name of the folder above', async () => {
    expect(idsOf(await readOne(project, 'books/migrations'))).toEqual(['books.0001_initial', 'books.0002_author_tier']);
  });

  test('that were squashed stand for what they are made of', async () => {
    const found = await readOne({
      ...project,
      'books/migrations/0001_squashed.py': django(
        '',
        "    replaces = [('books', '0001_initial'), ('books', '0002_author_tier')]\n",
      ),
      'books/migrations/0003_more.py': django("('books', '0002_author_tier')"),
    });
    expect(idsOf(found).filter((id) => id.startsWith('books'))).toEqual(['books.0001_squashed', 'books.0003_more']);
    expect([found.heads, found.problems]).toEqual([['books.0003_more', 'shops.0001_initial'], []]);
  });

  test('with two last ones in an app are told', async () => {
    const { problems } = await readOne({
      ...project,
      'books/migrations/0002_other.py': django("('books', '0001_initial')"),
    });
    expect(problems).toEqual([
      'books has 2 migrations that nothing follows: books/migrations/0002_author_tier.py, books/migrations/0002_other.py',
    ]);
  });
});

describe('files that are applied in the order of their names', () => {
  test.each<[string, readonly string[], Readonly<Record<string, string>>, unknown]>([
    [
      'Rails',
      ['Rails'],
      { '20251221101500_add_author_tier.rb': '', '20251101080000_create_books.shop.rb': '', 'schema.rb': '' },
      [
        { id: '20251101080000', description: 'Create books', date: '2025-11-01T08:00:00' },
        { id: '20251221101500', description: 'Add author tier', date: '2025-12-21T10:15:00' },
      ],
    ],
    [
      'golang-migrate',
      ['golang-migrate'],
      { '000010_tier.up.sql': '', '000010_tier.down.sql': '', '000009_init.up.sql': '' },
      [{ id: '000009', description: 'Init' }, { id: '000010' }],
    ],
    [
      'dbmate',
      ['dbmate'],
      { '20251221101500_tier.sql': '-- migrate:up\nselect 1;\n-- migrate:down', '1_notes.sql': 'select 1' },
      [{ id: '20251221101500', description: 'Tier' }],
    ],
    [
      'Flyway',
      ['Flyway'],
      {
        'V1_10__add_tier.sql': '',
        'sub/V1.9__init.sql': '',
        'R__Refresh_views.sql': '',
        'U1.9__init.sql': '',
        'V2__Code.java': '',
      },
      [
        { id: '1.9', description: 'Init' },
        { id: '1.10', description: 'Add tier' },
        { id: '2', description: 'Code' },
        { id: 'R__Refresh_views', description: 'Refresh views' },
      ],
    ],
    [
      'Prisma',
      ['Prisma'],
      {
        'migration_lock.toml': '',
        '20251221101500_add_tier/migration.sql': '',
        '20251101080000_init/migration.sql': '',
      },
      [
        { id: '20251101080000_init', description: 'Init' },
        { id: '20251221101500_add_tier', date: '2025-12-21T10:15:00' },
      ],
    ],
    [
      'Entity Framework',
      ['Entity Framework'],
      { '20251221101500_AddTier.cs': '', '20251221101500_AddTier.Designer.cs': '', 'ShopContextModelSnapshot.cs': '' },
      [{ id: '20251221101500_AddTier', description: 'Add tier' }],
    ],
    [
      'TypeORM',
      ['TypeORM'],
      {
        '1766311200000-AddTier.ts': 'export class AddTier1766311200000 implements MigrationInterface {\n}',
        '1761984000000-Init.ts': "export class Init implements MigrationInterface {\n  name = 'Start1761984000000'\n}",
      },
      [
        { id: 'Start1761984000000', description: 'Start', date: '2025-11-01T08:00:00.000Z' },
        { id: 'AddTier1766311200000', description: 'Add tier' },
      ],
    ],
    [
      'Knex, Sequelize and node-pg-migrate',
      ['Knex', 'node-pg-migrate', 'Sequelize'],
      {
        '20251221101500_add_tier.js': '',
        '20251101080000-init.ts': '',
        '20251101080000-init.d.ts': '',
        '3_up.sql': '-- Up Migration',
      },
      [{ id: '20251101080000-init' }, { id: '20251221101500_add_tier', description: 'Add tier' }, { id: '3_up' }],
    ],
  ])('are known as those of %s', async (_name, tools, files, migrations) => {
    const found = await readOne(files);
    expect(found.tools).toEqual(tools);
    expect(found.migrations).toMatchObject(migrations as object);
    expect(found.migrations).toHaveLength((migrations as readonly unknown[]).length);
    expect(found.problems).toEqual([]);
    expect(found.heads).toEqual([found.migrations.findLast(({ id }) => !id.startsWith('R__'))?.id]);
  });

  test('are told where two bear one number', async () => {
    expect((await readOne({ 'V1__a.sql': '', 'V1_0__b.sql': '', 'V2__c.sql': '' })).problems).toEqual([
      '1.0 is there twice: V1_0__b.sql, V1__a.sql',
    ]);
    expect((await readOne({ '001_a.up.sql': '', '1_b.up.sql': '' })).problems).toEqual([
      '001 is there twice: 001_a.up.sql, 1_b.up.sql',
    ]);
  });
});

describe('a journal of Drizzle', () => {
  const journal = (...entries: readonly (readonly [number, string])[]) =>
    JSON.stringify({
      version: '7',
      dialect: 'postgresql',
      entries: entries.map(([when, tag], idx) => ({ idx, when, tag })),
    });

  test('says what there is and when it was made', async () => {
    const found = await readOne({
      'meta/_journal.json': journal([1761984000000, '0000_init'], [1766311200000, '0001_tier']),
      '0000_init.sql': '',
      '0001_tier.sql': '',
    });
    expect(found).toMatchObject({
      tools: ['Drizzle'],
      migrations: [
        { id: '1761984000000', description: '0000_init', date: '2025-11-01T08:00:00.000Z', file: '0000_init.sql' },
        { id: '1766311200000', description: '0001_tier' },
      ],
      heads: ['1766311200000'],
      problems: [],
    });
  });

  test('is told where a file is missing, or would be passed over', async () => {
    const found = await readOne({
      'meta/_journal.json': journal([1766311200000, '0000_b'], [1761984000000, '0001_a']),
      '0000_b.sql': '',
    });
    expect(found.problems).toEqual([
      'meta/_journal.json names 0001_a.sql, which is not there',
      '0001_a.sql was made before 0000_b.sql, which stands first: Drizzle passes it over where that was applied',
    ]);
    expect((await readOne({ 'meta/_journal.json': '{' })).problems).toEqual(['meta/_journal.json is no JSON']);
  });
});

test('changelogs of Liquibase are read in SQL, XML, YAML and JSON, as far as their ids are plain', async () => {
  const found = await readOne({
    'a.sql': `--liquibase formatted sql\n\n--changeset ann:1\n--comment: All books\ncreate table books ();\n--changeset "bob b":2 context:test\nselect 1;`,
    'b/c.xml': `<?xml version="1.0"?>
      <databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" logicalFilePath="old/c.xml">
        <!-- <changeSet id="never" author="x"></changeSet> -->
        <changeSet author='ann &amp; bob' id="3 > 2"><comment>Tier</comment><addColumn/></changeSet>
        <changeSet id="\${which}" author="ann"></changeSet>
      </databaseChangeLog>`,
    'd.yaml': `databaseChangeLog:\n  - include: { file: a.sql }\n  - changeSet:\n      id: 4\n      author: ann\n      labels: later\n      comment: Notes\n`,
    'e.json': JSON.stringify({ databaseChangeLog: [{ changeSet: { id: '5', author: 'ann', changes: [] } }] }),
    'other.xml': '<project/>',
    'other.yaml': 'version: 1',
  });
  expect(found.tools).toEqual(['Liquibase']);
  expect(found.migrations).toEqual([
    { id: 'a.sql::1::ann', file: 'a.sql', description: 'All books' },
    { id: 'a.sql::2::bob b', file: 'a.sql', conditional: true },
    { id: 'old/c.xml::3 > 2::ann & bob', file: 'b/c.xml', description: 'Tier' },
    { id: 'd.yaml::4::ann', file: 'd.yaml', description: 'Notes', conditional: true },
    { id: 'e.json::5::ann', file: 'e.json' },
  ]);
  expect(found.heads).toEqual(['e.json::5::ann']);
  expect(found.problems).toEqual(['b/c.xml: the change set ${which} by ann is not known before it is run']);
});

test('a folder that is not there, or holds none, is named with its setting', async () => {
  await expect(readRevisionFiles('/nowhere/versions')).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/^migrate\.versions: \/nowhere\/versions cannot be read: .*ENOENT/),
    hint: expect.stringContaining('alembic/versions'),
  });
  await expect(read({ 'README.md': '' })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/holds no migrations that restage knows, among 1 file$/),
  });
  await expect(read({ 'a.py': '' }, 'a.py')).rejects.toMatchObject({ message: expect.stringContaining('ENOTDIR') });
});

test('folders of dependencies and hidden ones are left out', async () => {
  const found = await read({
    'V1__a.sql': '',
    'node_modules/x/V1__a.sql': '',
    '.git/V1__a.sql': '',
    'venv/lib/auth/migrations/0001_initial.py': django(''),
  });
  expect(found.map(({ tools, problems }) => [tools, problems])).toEqual([[['Flyway'], []]]);
});
