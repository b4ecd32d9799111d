import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { lacking } from './postgres/version-tables.ts';
import { planMigrations, type EndVersions } from './revisions/plan-migrations.ts';
import { readRevisionFiles } from './revisions/read-revision-files.ts';

/**
 * Whether the target's database has been through all that the source's has, and more: then it may rightly lack what the source
 * still has. By the files of `migrate.versions`, or by what both databases say; what cannot be told is no proof.
 */
export async function isMigratedFurther(
  { migrate: { versions } }: Config,
  source: EndVersions,
  target: EndVersions,
): Promise<boolean> {
  try {
    const files = versions === undefined ? [] : await readRevisionFiles(versions);
    const { planned } = planMigrations(source, target, { policy: 'warn', files, migrates: true });
    return (
      planned.some(({ relation }) => relation === 'target-ahead') &&
      planned.every(
        ({ relation, goal }) =>
          (relation === 'target-ahead' || relation === 'same') && lacking(goal, target.tables).length === 0,
      )
    );
  } catch (error) {
    if (error instanceof RestageError) return false; // the plan and check tell what is wrong with the folder
    throw error;
  }
}
