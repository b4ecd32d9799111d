import { parse } from 'yaml';
import { duplicates } from './graph.ts';
import type { ReadForm, RevisionFile } from './revision-files.ts';

interface ChangeSet {
  readonly id: string;
  readonly author: string;
  readonly comment?: string | undefined;
  /** The path under which it is known, where that is not its file's. */
  readonly path?: string | undefined;
  /** It is applied in some environments only. */
  readonly conditional: boolean;
}

/** Liquibase's: change sets in SQL, XML, YAML or JSON, known by file, id and author. In the order of the files' names: what includes what is not followed. */
export const liquibaseFiles: ReadForm = async (folder) => {
  const migrations: RevisionFile[] = [];
  const problems: string[] = [];
  let changelogs = 0;
  for (const file of folder.files) {
    const read = readers[file.slice(file.lastIndexOf('.') + 1).toLowerCase()];
    if (!read) continue;
    const found = read(await folder.text(file));
    if (!found) continue;
    changelogs += 1;
    for (const { id, author, comment, path, conditional } of found) {
      if ([id, author].some((part) => part === '' || part.includes('${'))) {
        problems.push(
          `${file}: the change set ${id === '' ? 'without an id' : id} by ${author === '' ? 'nobody' : author} is not known before it is run`,
        );
        continue;
      }
      migrations.push({
        id: [path ?? file, id, author].join('::'),
        file,
        ...(comment === undefined || comment === '' ? {} : { description: comment }),
        ...(conditional ? { conditional } : {}),
      });
    }
  }
  if (changelogs === 0) return undefined;
  const last = migrations.findLast(({ conditional }) => !conditional);
  return {
    tools: ['Liquibase'],
    migrations,
    heads: last ? [last.id] : [],
    problems: [...problems, ...duplicates(migrations)],
  };
};

/** By a file's ending; undefined where it is no changelog. */
const readers: Readonly<Record<string, (text: string) => readonly ChangeSet[] | undefined>> = {
  sql: readSql,
  xml: readXml,
  yaml: readYaml,
  yml: readYaml,
  json: readYaml, // which is YAML too
};

const limits = /\b(?:context|contextFilter|labels|dbms)\s*[:=]/;

function readSql(text: string): readonly ChangeSet[] | undefined {
  const [first = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (!/^\s*--\s*liquibase formatted sql\b/i.test(first)) return undefined;
  const ofFile = attributeOf(first, 'logicalFilePath');
  const sets: { -readonly [K in keyof ChangeSet]: ChangeSet[K] }[] = [];
  for (const line of lines) {
    const [, author, id, more = ''] = /^\s*--\s*changeset\s+("[^"]*"|[^:\s]+):("[^"]*"|\S+)(.*)$/i.exec(line) ?? [];
    if (author !== undefined && id !== undefined)
      sets.push({
        id: unquoted(id),
        author: unquoted(author),
        path: attributeOf(more, 'logicalFilePath') ?? ofFile,
        conditional: limits.test(more),
      });
    const [, comment] = /^\s*--\s*comment:?\s+(.*)$/i.exec(line) ?? [];
    const last = sets.at(-1);
    if (comment !== undefined && last && last.comment === undefined) last.comment = comment.trim();
  }
  return sets;
}

function attributeOf(text: string, name: string): string | undefined {
  const found = new RegExp(String.raw`\b${name}\s*[:=]\s*("[^"]*"|'[^']*'|\S+)`, 'i').exec(text)?.[1];
  return found === undefined ? undefined : unquoted(found);
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, '$2');
}

function readXml(text: string): readonly ChangeSet[] | undefined {
  const plain = text.replaceAll(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, '');
  const root = /<(?:\w+:)?databaseChangeLog\b([^>]*)>/.exec(plain);
  if (!root) return undefined;
  const ofFile = xmlAttribute(root[1] ?? '', 'logicalFilePath');
  const sets = plain.matchAll(
    /<(?:\w+:)?changeSet\b((?:[^>"']|"[^"]*"|'[^']*')*)>([\s\S]*?)<\/(?:\w+:)?changeSet\s*>/g,
  );
  return [...sets].map(([, attributes = '', body = '']) => ({
    id: xmlAttribute(attributes, 'id') ?? '',
    author: xmlAttribute(attributes, 'author') ?? '',
    comment: entities(/<(?:\w+:)?comment\s*>([\s\S]*?)<\//.exec(body)?.[1]?.trim() ?? ''),
    path: xmlAttribute(attributes, 'logicalFilePath') ?? ofFile,
    conditional: limits.test(attributes),
  }));
}

function xmlAttribute(text: string, name: string): string | undefined {
  const [, double, single] = new RegExp(String.raw`\s${name}\s*=\s*(?:"([^"]*)"|'([^']*)')`).exec(` ${text}`) ?? [];
  const value = double ?? single;
  return value === undefined ? undefined : entities(value);
}

function entities(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(\w+);/g, (all, name: string) => named[name] ?? all);
}

function readYaml(text: string): readonly ChangeSet[] | undefined {
  if (!text.includes('databaseChangeLog')) return undefined;
  let found: unknown;
  try {
    found = parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined; // what is no YAML is no changelog
  }
  const list = field(found, 'databaseChangeLog');
  if (!Array.isArray(list)) return undefined;
  const ofFile = list.map((one) => field(one, 'logicalFilePath')).find((path) => typeof path === 'string');
  return list.flatMap((one) => {
    const set = field(one, 'changeSet');
    if (typeof set !== 'object' || set === null) return [];
    const changes = field(set, 'changes');
    const comment =
      field(set, 'comment') ??
      (Array.isArray(changes) ? changes.map((change) => field(change, 'comment')).find(Boolean) : undefined);
    return [
      {
        id: plainText(field(set, 'id')) ?? '',
        author: plainText(field(set, 'author')) ?? '',
        comment: plainText(comment),
        path: plainText(field(set, 'logicalFilePath')) ?? plainText(ofFile),
        conditional: ['context', 'contextFilter', 'labels', 'dbms'].some((key) => field(set, key) !== undefined),
      },
    ];
  });
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined; // of YAML
}

function plainText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
