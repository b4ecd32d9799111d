import { Document } from 'yaml';
import { after, before, commented, described, lines, mapIn, option, prose, setting } from './commented-yaml.ts';
import type { Draft, DraftEnd } from './draft.ts';
import { commentRules, ruleOptions, ruleSettings } from './rules-text.ts';

/**
 * The draft as the text of a restage.yaml. Comments say what each part is for; a comment without a blank after its # is a
 * setting that could be made.
 */
export function configText(draft: Draft): string {
  const { source, target } = draft;
  const hasDatabase = source.database !== undefined && target.database !== undefined;
  const document = new Document({
    version: 1,
    source: endSettings(source),
    target: { ...endSettings(target), ...(target.function ? { lambda: { function: target.function } } : {}) },
    ...(hasDatabase ? { database: { keepPrevious: 1, ...(draft.tables ? ruleSettings(draft.tables) : {}) } } : {}),
  });
  document.commentBefore = prose(
    `How ${target.name} is refreshed from ${source.name}. \`restage check\` tries every name and permission, \`restage plan\` shows what would be done, \`restage sync\` does it.\n` +
      '${VAR} anywhere is a variable of the environment: no password or key need stand in this file.\n' +
      'Where no blank follows a #, there is a setting that could be made: take away the # of all its lines.',
  );
  const root = mapIn(document, []);
  before(root, 'source', prose(described('source')), true);
  before(
    root,
    'target',
    prose(`${described('target')} What is named here is replaced. Every setting of source is one here too.`),
    true,
  );
  for (const [side, end] of [
    ['source', source],
    ['target', target],
  ] as const)
    commentEnd(document, side, end);
  if (hasDatabase) {
    before(root, 'database', prose('How the database is made anew: beside the old one, then swapped with it.'), true);
    const database = mapIn(document, ['database']);
    after(database, 'keepPrevious', described('database.keepPrevious'));
    if (draft.tables) commentRules(database, draft.tables);
    database.comment = lines(
      draft.tables ? ruleOptions(draft.tables) : [],
      option('database.jobs', { jobs: 4 }),
      option('database.mayBeEmpty', { mayBeEmpty: ['a_table'] }),
      option('database.mayShrink', { mayShrink: ['a_table'] }),
      option('database.skipExtensions', { skipExtensions: ['pg_cron'] }),
    );
  }
  document.comment = lines(
    Object.keys(source.buckets).length > 0 ? [...objectOptions(Object.keys(source.buckets)), ''] : [],
    option('guards', { guards: { maxShrinkPercent: 50 } }),
    ['', ...migrateOptions(hasDatabase)],
    [
      '',
      ...commented('What is compared when all is done, beside every table and object.'),
      ...setting({
        verify: {
          health: { path: '/health', expect: { status: 'healthy' } },
          totals: [{ path: '/items?limit=1', read: 'total' }],
        },
      }),
    ],
  );
  return document.toString({ lineWidth: 0 });
}

function endSettings({ name, aws, database, buckets, app }: DraftEnd): Record<string, unknown> {
  return withoutUndefined({
    name,
    aws: aws && withoutUndefined({ ...aws, endpoints: aws.endpoints && withoutUndefined(aws.endpoints) }),
    database,
    buckets: Object.keys(buckets).length > 0 ? buckets : undefined,
    app: app && withoutUndefined(app),
  });
}

function commentEnd(document: Document, side: 'source' | 'target', end: DraftEnd): void {
  const map = mapIn(document, [side]);
  const isFirst = side === 'source'; // what is said there need not be said again
  if (!isFirst) after(map, 'name', 'what a person types to agree to a sync');
  if (end.aws) {
    const aws = mapIn(document, [side, 'aws']);
    after(aws, 'profile', 'or ambient: true, for the keys of the machine or the environment');
    after(aws, 'account', 'keys that lead anywhere else are refused');
    aws.comment = lines(
      end.aws.account === undefined ? option('source.aws.account', { account: '123456789012' }) : [],
      isFirst
        ? option('source.aws.assumeRole', { assumeRole: { role: 'arn:aws:iam::123456789012:role/restage' } })
        : [],
    );
  }
  if (end.database) {
    if (isFirst) before(map, 'database', prose(otherWays(end.database)));
    if (isFirst)
      mapIn(document, [side, 'database']).comment = lines(
        end.database.tls === 'disable' ? [] : option('source.database.ca', { ca: 'certificates.pem' }),
        option('source.database.via', {
          via: { command: ['ssh', '-N', '-L', '{localPort}:{host}:{port}', 'bastion.example.com'] },
        }),
      );
  }
  if (isFirst && Object.keys(end.buckets).length > 0) before(map, 'buckets', prose(described('source.buckets')));
  if (end.app) {
    if (end.app.environment !== undefined)
      after(mapIn(document, [side, 'app']), 'environment', 'what its version answer must give');
    if (!isFirst)
      mapIn(document, [side, 'app']).comment = lines(
        commented('Such as a key that its migrations want.'),
        setting({ headers: { 'X-API-Key': '${STAGING_API_KEY}' } }),
      );
  }
  map.comment = lines(
    end.app
      ? []
      : [
          ...commented(described('source.app')),
          ...setting({
            app: {
              url: `https://${isFirst ? '' : 'staging.'}api.example.com/api/v1`,
              environment: end.name,
            },
          }),
        ],
    end.database && !isFirst ? option('target.expect', { expect: { host: '*.rds.amazonaws.com' } }) : [],
  );
}

function otherWays(database: NonNullable<DraftEnd['database']>): string {
  const ways = [
    ...(database.secret === undefined ? ['secret: NAME, of Secrets Manager'] : []),
    ...(database.url === undefined ? ['url: "${VAR}"'] : []),
    ...(database.host === undefined ? ['host, port, database, user and passwordEnv'] : []),
    ...(database.identifier === undefined ? ['identifier for host and port, which RDS is asked for'] : []),
    ...(database.auth === undefined ? ['auth: iam for passwordEnv'] : []),
  ];
  return `Or ${ways.join('; or ')}.`;
}

function objectOptions(names: readonly string[]): string[] {
  const each = { exclude: ['tmp/**'], delete: { maxCount: 100, maxPercent: 5 } };
  return [
    ...commented(
      'How objects are copied, by the names of the buckets. Without delete nothing is deleted; other settings: prefix, include, renames, route, storageClass, encryption, backup.',
    ),
    ...setting({ objects: Object.fromEntries(names.map((name) => [name, each])) }),
  ];
}

/** A list of steps would do too; the map has room for where the code's migrations are. */
function migrateOptions(hasDatabase: boolean): string[] {
  const http = { path: '/health/migrate', expect: { status: 'success' } };
  if (!hasDatabase) return option('migrate', { migrate: [{ http }] });
  return [
    ...option('migrate', {
      migrate: {
        versions: 'backend/alembic/versions',
        steps: [{ command: { run: ['alembic', 'upgrade', 'head'], cwd: 'backend' } }, { http }],
      },
    }),
    ...commented(
      'A command gets DATABASE_URL and PG* of the new database, before it is put in place; a request goes to the application afterwards. Keep the one that is meant.',
    ),
  ];
}

function withoutUndefined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}
