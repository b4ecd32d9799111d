import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader';
import { RestageError } from '../errors.ts';
import { nearest } from '../nearest.ts';

/** Where the profiles stand, when not in ~/.aws. */
export interface ProfileFiles {
  readonly credentials?: string | undefined;
  readonly config?: string | undefined;
}

/** A profile as its files describe it; nothing of it has been tried. */
export interface ListedProfile {
  readonly name: string;
  readonly region: string | undefined;
  /** Its keys come from `aws sso login`. */
  readonly isSso: boolean;
  /** Where the files name it, as they do for SSO and for a role. */
  readonly account: string | undefined;
  /** The role that it takes on. */
  readonly role: string | undefined;
}

/** A profile's settings by their names in both files. */
type Settings = Readonly<Record<string, string | undefined>>;

/** The profiles of both files together. */
export type Profiles = Readonly<Record<string, Settings>>;

/** The places as the SDK takes them. */
export function placesOf(files: ProfileFiles): { readonly filepath?: string; readonly configFilepath?: string } {
  return {
    ...(files.credentials ? { filepath: files.credentials } : {}),
    ...(files.config ? { configFilepath: files.config } : {}),
  };
}

/** What both files hold. The config file names other things beside profiles, with a dot behind their kind. */
export async function readProfiles(files: ProfileFiles): Promise<Profiles> {
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ ...placesOf(files), ignoreCache: true });
  const profiles: Record<string, Settings> = {};
  for (const [name, settings] of Object.entries(configFile))
    if (!/^(sso-session|services)\./.test(name)) profiles[name] = settings;
  for (const [name, settings] of Object.entries(credentialsFile)) profiles[name] = { ...profiles[name], ...settings };
  return profiles;
}

/** Every profile, in the order of its name. */
export async function listProfiles(files: ProfileFiles = {}): Promise<readonly ListedProfile[]> {
  const profiles = await readProfiles(files);
  return Object.entries(profiles)
    .map(([name, settings]) => ({
      name,
      region: settings['region'],
      isSso: isSso(settings),
      account: settings['sso_account_id'] ?? settings['role_arn']?.split(':')[4] ?? settings['aws_account_id'],
      role: settings['role_arn'],
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function isSso(settings: Settings | undefined): boolean {
  return Object.keys(settings ?? {}).some((key) => key.startsWith('sso_'));
}

/**
 * The profile and those that it takes its keys from, by source_profile, the last of which holds or makes some.
 * Throws `profile-missing` with the near name.
 */
export function requireProfile(profiles: Profiles, name: string): readonly [string, ...string[]] {
  const chain: [string, ...string[]] = [name];
  for (let at = name; ;) {
    const settings = profiles[at];
    if (settings === undefined) throw missing(profiles, chain);
    const from = settings['role_arn'] === undefined ? undefined : settings['source_profile'];
    if (from === undefined || chain.includes(from)) return chain;
    chain.push(from);
    at = from;
  }
}

function missing(profiles: Profiles, chain: readonly string[]): RestageError {
  const name = chain.at(-1) ?? '';
  const user = chain.at(-2);
  const known = Object.keys(profiles).filter((one) => one !== user);
  const near = nearest(name, known);
  const found = known.length > 0 ? `Profiles found: ${known.join(', ')}` : undefined;
  const message =
    user === undefined
      ? `there is no AWS profile ${name}`
      : `there is no AWS profile ${name}, from which the profile ${user} takes its keys (source_profile)`;
  return new RestageError('profile-missing', message, {
    hint: near
      ? `Did you mean ${near}? ${found}`
      : (found ?? `No profile was found at all: run \`aws configure --profile ${name}\` first.`),
  });
}
