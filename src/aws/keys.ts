import { fromIni, fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { keepSecret, RestageError } from '../errors.ts';
import type { Keys } from './account.ts';
import { wordsOf } from './aws-error.ts';
import { isSso, placesOf, requireProfile, type ProfileFiles, type Profiles } from './profiles.ts';
import { renewing, type Refused } from './renewing.ts';
import { assumeRole, assumeRoleWithToken, isExpired, type StsPlace } from './role.ts';
import { nothingAmbient } from './service.ts';

/** Where keys come from. */
export interface KeySource {
  /** For messages: the profile bmx-prod. */
  readonly name: string;
  /** What to do when the keys have expired. */
  readonly renewal: string;
  /** Throws `credentials-failed`, `aws-unreachable`. */
  readonly keys: (refused?: Refused) => Promise<Keys>;
}

/**
 * The keys of a profile, of any kind: its own, those of a role that it takes on, of a program, of SSO. The environment is
 * read only where the profile itself says so (credential_source).
 * Throws `profile-missing` where it, or one that it takes its keys from, does not exist.
 */
export function profileKeys(profile: string, profiles: Profiles, files: ProfileFiles, place: StsPlace): KeySource {
  const chain = requireProfile(profiles, profile);
  const base = chain.at(-1) ?? profile;
  const name = `the profile ${profile}`;
  const provide = async (anew: boolean): Promise<Keys> => {
    try {
      return await fromIni({
        ...sdkSettings(files, place, name, anew),
        profile,
      })();
    } catch (error) {
      throw failed(error, name, profiles, chain);
    }
  };
  const renewal = renewalOf(profiles, base);
  return { name, renewal, keys: renewing(provide) };
}

/** What AWS's own tools would use: keys in the environment, a machine's, task's or function's role, AWS_PROFILE. */
export function ambientKeys(files: ProfileFiles, place: StsPlace): KeySource {
  const name = 'the ambient keys';
  const renewal = 'They come from the environment: put new ones there, or log in again.';
  const provide = async (anew: boolean): Promise<Keys> => {
    try {
      return await fromNodeProviderChain(sdkSettings(files, place, name, anew))();
    } catch (error) {
      if (error instanceof RestageError) throw error;
      throw new RestageError('credentials-failed', `there are no ambient keys: ${wordsOf(error)}`, {
        cause: error,
        hint: 'ambient: true takes them from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine, task or function; or name a profile instead.',
      });
    }
  };
  return { name, renewal, keys: renewing(provide) };
}

/** The keys of a role that other keys take on. */
export function roleKeys(
  base: KeySource,
  { role, externalId }: { readonly role: string; readonly externalId?: string | undefined },
  place: StsPlace,
): KeySource {
  const wanted = { RoleArn: role, RoleSessionName: 'restage', ExternalId: externalId };
  const provide = async (): Promise<Keys> => {
    const keys = await base.keys();
    try {
      return await assumeRole(place, keys, wanted, base.name);
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
    // Expired before their time, as when a session was ended: there may be others by now.
    try {
      return await assumeRole(place, await base.keys(keys), wanted, base.name);
    } catch (error) {
      if (isExpired(error)) throw expired(error, base);
      throw error;
    }
  };
  return { name: `the role ${role} taken on by ${base.name}`, renewal: base.renewal, keys: renewing(provide) };
}

/** `credentials-failed` for keys that were good once. */
export function expired(error: unknown, { name, renewal }: Pick<KeySource, 'name' | 'renewal'>): RestageError {
  return new RestageError('credentials-failed', `the keys of ${name} have expired: ${wordsOf(error)}`, {
    cause: error,
    hint: renewal,
  });
}

/**
 * What the SDK's providers are given, so that none of their clients looks into the environment. No region: for SSO the
 * session's own counts, and a given one would stand above it.
 */
function sdkSettings(files: ProfileFiles, place: StsPlace, asker: string, anew: boolean) {
  return {
    ...placesOf(files),
    // Files are read once by the SDK: keys that are renewed by writing them anew are found by reading past that.
    ignoreCache: anew,
    clientConfig: nothingAmbient,
    logger: silent,
    roleAssumer: (keys: Keys, wanted: Parameters<typeof assumeRole>[2]) => assumeRole(place, keys, wanted, asker),
    roleAssumerWithWebIdentity: (wanted: Parameters<typeof assumeRoleWithToken>[1]) =>
      assumeRoleWithToken(place, wanted),
  };
}

/** Without one the SDK writes warnings to the console. */
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function renewalOf(profiles: Profiles, base: string): string {
  const settings = profiles[base];
  if (isSso(settings)) return `Log in again: aws sso login --profile ${base}`;
  if (settings?.['login_session'] !== undefined) return `Log in again: aws login --profile ${base}`;
  if (settings?.['credential_process'] !== undefined)
    return `They come from the credential_process of the profile ${base}: see that it gives new ones.`;
  return `The profile ${base} holds temporary keys: put new ones there.`;
}

/** What a profile gave no keys for. `chain`: it, and those that it takes its keys from. */
function failed(error: unknown, name: string, profiles: Profiles, chain: readonly string[]): RestageError {
  if (error instanceof RestageError) return error;
  const base = chain.at(-1) ?? '';
  const settings = profiles[base] ?? {};
  const words = wordsOf(error).replace(/ \((CredentialsProviderError|TokenProviderError)\)$/, '');
  const from = name === `the profile ${base}` ? name : `${name}, by way of the profile ${base},`;
  const as = (
    message: string,
    hint: string | undefined,
    code: 'credentials-failed' | 'aws-unreachable' = 'credentials-failed',
  ) => new RestageError(code, message, { cause: error, hint });
  if (isExpired(error)) return expired(error, { name, renewal: renewalOf(profiles, base) });
  if (/multi-factor authentication/.test(words)) {
    const serial = chain.flatMap((one) => profiles[one]?.['mfa_serial'] ?? [])[0];
    return as(
      `${name} wants a code of a second factor (mfa_serial), which restage does not ask for`,
      `Get temporary keys with the code, put them into a profile of their own and name that: aws sts get-session-token --profile ${base} --serial-number ${serial ?? 'ARN'} --token-code CODE`,
    );
  }
  if (isSso(settings)) {
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|TimeoutError/.test(words))
      return as(
        `cannot reach AWS for the SSO session of ${from}: ${words}`,
        'Check sso_region of the profile, and the network.',
        'aws-unreachable',
      );
    const isForeign = /ForbiddenException|No access/i.test(words);
    return as(
      `${isForeign ? `the SSO user of ${from} gets no keys` : `the SSO session of ${from} has expired, or was never opened`}: ${words.replace(/ ?To refresh this SSO session run .*$/, '')}`,
      isForeign
        ? `The SSO user has no such role: check sso_account_id (${settings['sso_account_id']}) and sso_role_name (${settings['sso_role_name']}) of the profile ${base}.`
        : renewalOf(profiles, base),
    );
  }
  if (settings['login_session'] !== undefined) return as(`${from} gives no keys: ${words}`, renewalOf(profiles, base));
  if (settings['credential_process'] !== undefined) {
    keepSecret(settings['credential_process']); // a token may stand among its arguments
    const said = words.replace(/^Command failed: .*/, '').trim();
    return as(
      `the credential_process of ${from} gives no keys${said === '' ? ', and does not say why' : `: ${said}`}`,
      `Run it by itself; this shows it: aws configure get credential_process --profile ${base}`,
    );
  }
  if (words.startsWith('Could not resolve credentials'))
    return as(
      `${from} holds no keys`,
      `Give it some: aws configure --profile ${base}, or aws configure sso --profile ${base}`,
    );
  return as(`${from} gives no keys: ${words}`, undefined);
}
