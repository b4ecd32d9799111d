import { failureOf, type ConnectOptions } from '../index.ts';
import {
  findProfiles,
  guessProfiles,
  nameBuckets,
  propose,
  surveyAccount,
  type Answers,
  type EndAnswers,
  type Pairing,
  type Proposal,
  type Survey,
} from '../init/index.ts';
import { askDatabase } from './init-database.ts';
import type { Questions } from './questions.ts';

type Side = 'source' | 'target';

/** For what is not in a list. */
const none = '';

/**
 * Asks for what the answers lack: profiles, databases, buckets, the function, applications. Each account is opened and
 * shown, what it has is listed, and partners are proposed by their names.
 */
export async function askAnswers(given: Answers, questions: Questions, options: ConnectOptions): Promise<Answers> {
  const { source, target } = given;
  const profiles = await findProfiles(options);
  if (profiles.length === 0)
    questions.warn(
      'No AWS profile was found: `aws configure --profile NAME` makes one. Without one, databases are named by URLs.',
    );
  const guess = guessProfiles(profiles.map(({ name }) => name));
  const ask = async (side: Side, end: EndAnswers, other: string | undefined): Promise<Opened> => {
    if (end.profile === undefined && profiles.length === 0) return { end };
    for (let { profile, region } = end; ;) {
      profile ??= await askProfile(side, profiles, guess[side] === other ? undefined : guess[side], questions);
      if (profile === none) return { end };
      const known = region ?? profiles.find(({ name }) => name === profile)?.region;
      region =
        known ?? (await questions.type(`Which region is ${end.name} in?`, { initial: 'us-east-1', problem: required }));
      try {
        const survey = await surveyAccount({ profile, region, endpoints: end.endpoints }, options);
        tellAccount(end.name, profile, survey, questions);
        return { end: { ...end, profile, region, account: survey.account.id }, survey };
      } catch (error) {
        const { message, hint, code } = failureOf(error);
        if (code === 'interrupted' || options.signal?.aborted) throw error;
        questions.warn([message, ...(hint === undefined ? [] : [hint])].join('\n'));
        [profile, region] = [undefined, end.region];
      }
    }
  };
  const from = await ask('source', source, undefined);
  const to = await ask('target', target, from.end.profile);
  const proposal = from.survey && to.survey ? propose(from.survey, to.survey) : undefined;
  if (from.survey && to.survey && from.survey.account.id && from.survey.account.id === to.survey.account.id)
    questions.warn(
      `Both ends are account ${to.survey.account.id}. Where staging has an account of its own, name its profile.`,
    );
  const databases = await askDatabases(from, to, proposal, questions, options);
  const buckets = await askBuckets(from, to, proposal, questions);
  const name = given.function ?? (await askFunction(to.survey, questions));
  const apps = {
    source: source.app ?? (await askApp(source.name, questions)),
    target: target.app ?? (await askApp(target.name, questions)),
  };
  return {
    source: { ...from.end, database: databases.source, buckets: buckets.source, app: apps.source },
    target: { ...to.end, database: databases.target, buckets: buckets.target, app: apps.target },
    function: name,
  };
}

interface Opened {
  readonly end: EndAnswers;
  /** What its account has; undefined without a profile. */
  readonly survey?: Survey;
}

async function askProfile(
  side: Side,
  profiles: Awaited<ReturnType<typeof findProfiles>>,
  guess: string | undefined,
  questions: Questions,
): Promise<string> {
  const choices = profiles.map(({ name, region, account, role, isSso }) => ({
    value: name,
    hint: [region, account && `account ${account}`, role, isSso && 'SSO'].filter(Boolean).join(', '),
  }));
  return questions.choose(
    side === 'source'
      ? "Which AWS profile is production's? It is only read."
      : "Which AWS profile is staging's? What it has is replaced, and never without a question.",
    [...choices, { value: none, label: 'none', hint: 'the database is named by a URL' }],
    guess,
  );
}

function tellAccount(name: string, profile: string, survey: Survey, questions: Questions): void {
  const { account, ...listings } = survey;
  questions.tell(
    account.id === undefined
      ? `${name}: ${profile}; the store has no STS to ask for the account`
      : `${name}: account ${account.id}, ${account.arn}, ${account.region}`,
  );
  const lacking = Object.entries(listings).flatMap(([kind, { lacking: why }]) =>
    why === undefined ? [] : [`Its ${kind} cannot be listed: ${why}`],
  );
  if (lacking.length > 0) questions.warn(lacking.join('\n'));
}

async function askDatabases(
  from: Opened,
  to: Opened,
  proposal: Proposal | undefined,
  questions: Questions,
  options: ConnectOptions,
): Promise<Record<Side, EndAnswers['database']>> {
  const pairings = [...(proposal?.secrets ?? []), ...(proposal?.databases ?? [])];
  const source =
    from.end.database ??
    (await askDatabase({ side: 'source', ...from, pairings, partner: undefined }, questions, options.signal));
  if (!source && !to.end.database) return { source, target: undefined };
  const partner = source?.database.secret ?? source?.database.identifier;
  const target =
    to.end.database ?? (await askDatabase({ side: 'target', ...to, pairings, partner }, questions, options.signal));
  return { source: target && source, target };
}

async function askBuckets(
  { end: { buckets: sources, name: sourceName }, survey: from }: Opened,
  { end: { buckets: targets, name: targetName }, survey: to }: Opened,
  proposal: Proposal | undefined,
  questions: Questions,
): Promise<Record<Side, EndAnswers['buckets']>> {
  const given = new Set([...Object.keys(sources), ...Object.keys(targets)]);
  if (!from || !to) return { source: sources, target: targets };
  if (given.size > 0) {
    const missing = async (known: EndAnswers['buckets'], end: string) => {
      const found: Record<string, string> = { ...known };
      for (const name of given)
        found[name] ??= await questions.type(`Which bucket of ${end} is ${name}?`, { problem: required });
      return found;
    };
    return { source: await missing(sources, sourceName), target: await missing(targets, targetName) };
  }
  const proposed = (proposal?.buckets ?? []).filter(({ candidates }) => candidates.length > 0);
  const pairs = await choosePairs(proposed, targetName, questions);
  const isListed = from.buckets.lacking === undefined && to.buckets.lacking === undefined;
  const mayBeMore = !isListed || proposed.length === 0;
  for (;;) {
    if (!mayBeMore) break;
    const which = pairs.length === 0 ? 'A' : 'Another';
    const bucket = await questions.type(`${which} bucket of ${sourceName} to copy, by its name? Enter for none`);
    if (bucket === none) break;
    const partner = await questions.type(`Which bucket of ${targetName} takes what is in ${bucket}?`, {
      problem: (text) => (text === bucket ? 'It is the same bucket' : required(text)),
    });
    pairs.push([bucket, partner]);
  }
  const names = nameBuckets(pairs.map(([bucket]) => bucket));
  const named = (which: 0 | 1) =>
    Object.fromEntries(pairs.map((pair, index) => [names[index] ?? pair[0], pair[which]]));
  return { source: named(0), target: named(1) };
}

/** The proposed pairs that a person agrees to; where several could be meant, the one that is chosen. */
async function choosePairs(
  pairings: readonly Pairing[],
  targetName: string,
  questions: Questions,
): Promise<[string, string][]> {
  const clear = pairings.filter((one) => one.target !== undefined);
  const chosen =
    clear.length === 0
      ? []
      : await questions.chooseAny(
          'Which buckets are copied?',
          clear.map(({ source, target }) => ({ value: source, label: `${source} → ${target}` })),
          clear.map(({ source }) => source),
        );
  const pairs = clear.flatMap(({ source, target }): [string, string][] =>
    target !== undefined && chosen.includes(source) ? [[source, target]] : [],
  );
  for (const { source, target, candidates } of pairings) {
    if (target !== undefined) continue;
    const partner = await questions.choose(`Which bucket of ${targetName} takes what is in ${source}?`, [
      { value: none, label: 'none', hint: 'it is not copied' },
      ...candidates.map((value) => ({ value })),
    ]);
    if (partner !== none) pairs.push([source, partner]);
  }
  return pairs;
}

/** Asked only where a function looks as if it were meant for it. */
async function askFunction(survey: Survey | undefined, questions: Questions): Promise<string | undefined> {
  const likely = (survey?.functions.found ?? []).filter(({ name }) => /sync|refresh|restage|clone/i.test(name));
  if (likely.length === 0) return undefined;
  const chosen = await questions.choose(
    'Does one of these functions refresh the database within the VPC?',
    [{ value: none, label: 'none' }, ...likely.map(({ name }) => ({ value: name }))],
    none,
  );
  return chosen === none ? undefined : chosen;
}

async function askApp(name: string, questions: Questions): Promise<string | undefined> {
  const url = await questions.type(`The base URL of ${name}'s application? Enter for none`, {
    example: 'https://api.example.com/api/v1',
    problem: (text) =>
      text === '' || (/^https?:\/\//.test(text) && URL.canParse(text))
        ? undefined
        : 'An address that begins with http:// or https://',
  });
  return url === '' ? undefined : url;
}

function required(text: string): string | undefined {
  return text === '' ? 'It is needed' : undefined;
}
