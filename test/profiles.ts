import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProfileFiles } from '../src/aws/account.ts';

/** The profiles' settings, as they stand in AWS's files. */
export type ProfileSettings = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Profile files in a folder of their own: keys in the one, everything else in the other, as `aws configure` does. */
export async function writeProfiles(
  parent: string,
  profiles: ProfileSettings,
  sections: ProfileSettings = {},
): Promise<Required<ProfileFiles> & { readonly credentials: string; readonly config: string }> {
  const folder = await mkdtemp(join(parent, 'profiles-'));
  const files = { credentials: join(folder, 'credentials'), config: join(folder, 'config') };
  const lines = { credentials: [] as string[], config: [] as string[] };
  for (const [name, settings] of Object.entries(profiles)) {
    lines.credentials.push(`[${name}]`);
    lines.config.push(`[profile ${name}]`);
    for (const [key, value] of Object.entries(settings))
      lines[/^aws_(access|secret|session)/.test(key) ? 'credentials' : 'config'].push(`${key} = ${value}`);
  }
  for (const [name, settings] of Object.entries(sections))
    lines.config.push(`[${name}]`, ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`));
  await writeFile(files.credentials, `${lines.credentials.join('\n')}\n`);
  await writeFile(files.config, `${lines.config.join('\n')}\n`);
  return files;
}

export function keysOf(keys: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): Readonly<Record<string, string>> {
  return { aws_access_key_id: keys.accessKeyId, aws_secret_access_key: keys.secretAccessKey };
}
