import { check, checkText, type ErrorCode, type Failure, type Finding } from '../index.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** What a setting can be at fault for, before anything has begun; where one is wrong, others may be too. */
const ofSettings: ReadonlySet<ErrorCode> = new Set([
  'config-invalid', // a secret without a host, a role or an extension that there is not
  'profile-missing',
  'credentials-failed',
  'aws-unreachable',
  'account-mismatch',
  'secret-missing',
  'secret-denied',
  'secret-invalid',
  'identifier-missing',
  'rds-denied',
  'tunnel-failed',
  'host-unknown',
  'host-unexpected',
  'database-unreachable',
  'tls-failed',
  'database-login',
  'database-missing',
  'database-unfit',
  'bucket-missing',
  'bucket-denied',
  'app-unreachable',
  'app-unexpected',
  'lambda-missing',
  'lambda-denied',
  'target-is-source',
]);

/**
 * Everything that is wrong, after a command has met the first of it. Connecting and planning are a check themselves: so long
 * as all is right nothing is asked twice. Writes nothing; never throws.
 */
export async function findWrong(
  { code }: Pick<Failure, 'code'>,
  { config, connect }: Settings,
  only: 'database' | 'objects' | undefined,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (!ofSettings.has(code) || signal.aborted) return [];
  try {
    const findings = await check(config, { ...connect, signal, only, mayWrite: false, environment: process.env });
    return findings.filter(({ verdict }) => verdict === 'wrong' || verdict === 'not-tried');
  } catch {
    return []; // what the command ended with has been told
  }
}

/** The rows that are wrong beside what the failure said, or the setting that it was about; undefined where none is known. */
export function wrongText(
  findings: readonly Finding[],
  { message }: Pick<Failure, 'message'>,
  { style, width }: Terminal,
): string | undefined {
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong');
  const tells = ({ found }: Finding) => found !== message;
  if (wrong.some(tells))
    return [
      '',
      style('strong', 'also wrong'),
      checkText(wrong, style, { width, tells }),
      'restage check shows all of it: what is right, and what could not be tried',
    ].join('\n');
  const [only] = wrong;
  // Of one end or the other: the message does not say. A name with a space is a row's, and no setting.
  return only === undefined || only.setting.includes(' ') ? undefined : `  The setting is ${only.setting}.`;
}
