import { check, loadConfig, type CheckOptions, type Finding } from '../src/index.ts';

/** The findings of a check, by their settings. */
export interface Looked {
  readonly findings: readonly Finding[];
  /** The row of a setting; fails where there is none. */
  row(setting: string): Finding;
}

/** Checks a configuration in this process. */
export async function look(settings: string | object, options: CheckOptions = {}, key = 'a-key'): Promise<Looked> {
  const findings = await check(
    loadConfig(settings, { variables: { STAGING_API_KEY: key, RESTAGE_MASK_KEY: 'a key that masks nothing' } }),
    options,
  );
  return {
    findings,
    row: (setting) => {
      const found = findings.find((finding) => finding.setting === setting);
      if (!found) throw new Error(`no row ${setting} among ${findings.map((finding) => finding.setting).join(', ')}`);
      return found;
    },
  };
}
