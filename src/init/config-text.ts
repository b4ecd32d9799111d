import { Document, isMap, isScalar, parseDocument, stringify, type Scalar, type YAMLMap } from 'yaml';
import { configSchema } from '../config-keys.ts';
import { displayTable } from '../postgres/names.ts';
import type { BoundTable } from '../postgres/telling-names.ts';
import type { Draft, DraftEnd, TellingTables } from './draft.ts';

/** How wide a comment may become. */
const width = 110;
/** How many tables a comment names. */
const mostTables = 40;

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
    ...(hasDatabase ? { database: { keepPrevious: 1 } } : {}),
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
    const told = draft.tables ? tellingTables(draft.tables) : [];
    const how = 'How the database is made anew: beside the old one, then swapped with it.';
    before(root, 'database', [...commented(how), ...told].join('\n'), true);
    const database = mapIn(document, ['database']);
    after(database, 'keepPrevious', described('database.keepPrevious'));
    database.comment = lines(
      option('database.jobs', { jobs: 4 }),
      option('database.mayBeEmpty', { mayBeEmpty: ['a_table'] }),
      option('database.mayShrink', { mayShrink: ['a_table'] }),
      option('database.skipExtensions', { skipExtensions: ['pg_cron'] }),
    );
  }
  document.comment = lines(
    Object.keys(source.buckets).length > 0 ? [...objectOptions(Object.keys(source.buckets)), ''] : [],
    option('guards', { guards: { maxShrinkPercent: 50 } }),
    ['', ...option('migrate', { migrate: [{ http: { path: '/health/migrate', expect: { status: 'success' } } }] })],
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

/** What the source's tables look like, in prose: there is no setting for it yet. */
function tellingTables({ personal, bound }: TellingTables): string[] {
  const tables = personal
    .slice(0, mostTables)
    .map(({ table, columns }) => `${displayTable(table)} (${columns.map(({ column }) => column).join(', ')})`);
  const told: readonly (readonly [BoundTable['kind'], string])[] = [
    ['logins', 'logins and keys'],
    ['work', 'unfinished work'],
    ['calls', 'calls to others'],
    ['records', 'records of what was done'],
    ['ids elsewhere', 'ids at other services'],
  ];
  const belongings = told.flatMap(([kind, words]) => {
    const names = bound
      .filter((one) => one.kind === kind)
      .flatMap(({ table, columns }) => columns?.map((name) => `${displayTable(table)}.${name}`) ?? displayTable(table));
    return names.length === 0 ? [] : [`${words} (${names.slice(0, mostTables).join(', ')}${more(names.length)})`];
  });
  return [
    ...(tables.length === 0
      ? []
      : commented(
          `Personal or secret, by their names: ${tables.join('; ')}${more(personal.length)}. They are copied as they are.`,
        )),
    ...(belongings.length === 0
      ? []
      : commented(
          `Bound to production, by their names: ${belongings.join('; ')}. They are copied too, and staging's own are replaced.`,
        )),
  ];
}

function more(count: number): string {
  return count > mostTables ? `; and ${count - mostTables} more` : '';
}

/** A setting that could be made, after what the schema says of it. */
function option(path: string, value: Readonly<Record<string, unknown>>): string[] {
  return [...commented(described(path)), ...setting(value)];
}

/** Lines of a setting, to stand behind # without a blank. */
function setting(value: Readonly<Record<string, unknown>>): string[] {
  const document = parseDocument(stringify(value));
  for (const item of mapIn(document, []).items) flowLists(item.value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd().split('\n');
}

/** Lists of plain values in one line. */
function flowLists(node: unknown): void {
  if (isMap(node)) for (const item of node.items) flowLists(item.value);
  else if (typeof node === 'object' && node !== null && 'items' in node) {
    const { items } = node as { items: unknown[] }; // a sequence, the only other node with items
    if (items.every((item) => isScalar(item))) Object.assign(node, { flow: true });
    else for (const item of items) flowLists(item);
  }
}

/** Lines of prose, to stand behind # with a blank. */
function commented(text: string): string[] {
  // A name may hold anything, and must not end the comment that it stands in.
  const plain = text.replaceAll(/[^\P{Cc}\n]|[\u2028\u2029]/gu, ' ');
  return plain.split('\n').flatMap((line) => {
    const broken = [''];
    for (const word of line.split(' ')) {
      const last = broken.at(-1) ?? '';
      if (last !== '' && last.length + word.length > width) broken.push(` ${word}`);
      else broken[broken.length - 1] = `${last} ${word}`;
    }
    return broken;
  });
}

function prose(text: string): string {
  return commented(text).join('\n');
}

function lines(...parts: readonly (readonly string[])[]): string | null {
  const all = parts.flat();
  return all.length === 0 ? null : all.join('\n');
}

/** What the schema says of a setting: one text for editors, messages and this file. */
function described(path: string): string {
  type Node = { description?: string; properties?: Record<string, Node> };
  let node = configSchema() as Node | undefined; // the JSON Schema of objects has this shape
  for (const step of path.split('.')) node = node?.properties?.[step];
  return node?.description ?? '';
}

function mapIn(document: Document, path: readonly string[]): YAMLMap {
  const node = path.length === 0 ? document.contents : document.getIn(path);
  if (!isMap(node)) throw new Error(`no map at ${path.join('.')}`);
  return node;
}

function keyOf(map: YAMLMap, key: string): Scalar | undefined {
  const found = map.items.find((item) => isScalar(item.key) && item.key.value === key)?.key;
  return isScalar(found) ? found : undefined;
}

function before(map: YAMLMap, key: string, comment: string, space = false): void {
  const node = keyOf(map, key);
  if (!node) return;
  node.commentBefore = comment;
  if (space) node.spaceBefore = true;
}

/** At the end of the setting's line. */
function after(map: YAMLMap, key: string, comment: string): void {
  const value = map.get(key, true);
  if (isScalar(value)) value.comment = ` ${comment}`;
}

function withoutUndefined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}
