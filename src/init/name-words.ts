/** What a word of a name says of the environment that the thing belongs to. */
export type Environment = 'production' | 'staging' | 'other';

const environments: ReadonlyMap<string, Environment> = new Map([
  ...['prod', 'production', 'prd', 'live'].map((word) => [word, 'production'] as const),
  ...['stag', 'staging', 'stage', 'stg', 'preprod', 'uat'].map((word) => [word, 'staging'] as const),
  ...['dev', 'development', 'test', 'testing', 'qa', 'sandbox', 'sbx', 'demo'].map((word) => [word, 'other'] as const),
]);

/** Words that people use for the same. */
const synonyms: ReadonlyMap<string, string> = new Map([
  ...['db', 'rds', 'postgres', 'postgresql', 'pg', 'aurora'].map((word) => [word, 'database'] as const),
  ...['cred', 'credential', 'login', 'secret', 'auth'].map((word) => [word, 'credential'] as const),
  ...['img', 'picture', 'photo'].map((word) => [word, 'image'] as const),
  ...['doc', 'file'].map((word) => [word, 'document'] as const),
]);

/** The words of a name in lower case: bmx-Prod/dbLogin is bmx, prod, db, login. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '');
}

/** The environment that a name tells of; undefined where it tells of none, or of more than one. */
export function environmentOf(name: string): Environment | undefined {
  const told = new Set(wordsOf(name).flatMap((word) => environments.get(word) ?? []));
  return told.size === 1 ? [...told][0] : undefined;
}

/**
 * The words that say what a thing is: without the environment, without region, account id and generated endings, in the
 * singular, and one word of those that mean the same.
 */
export function meaningOf(name: string): string[] {
  const withoutRegion = name.replaceAll(/\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)-(?:gov-)?[a-z]{4,9}-\d\b/g, '-');
  const words = wordsOf(withoutRegion)
    .filter((word) => !environments.has(word) && !/^\d{12}$/.test(word) && !isGenerated(word))
    .map((word) => synonyms.get(word) ?? synonyms.get(singular(word)) ?? singular(word));
  return [...new Set(words)];
}

function singular(word: string): string {
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

/** 1a2b3c4d, as CloudFormation ends names. */
function isGenerated(word: string): boolean {
  return word.length >= 8 && /\d/.test(word) && /[a-z]/.test(word) && (word.match(/\d/g)?.length ?? 0) > 1;
}
