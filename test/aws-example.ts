import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A template of CloudFormation, as far as the tests look at it. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: unknown;
}

export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

const exampleFolder = join(import.meta.dirname, '../examples/aws');

/** What CDK makes of examples/aws, as its command line runs it: no account, no network. `folder` is a new, temporary one. */
export async function synthesizeExample(
  folder: string,
): Promise<{ readonly staging: Template; readonly production: Template }> {
  const out = join(folder, 'out');
  await promisify(execFile)(process.execPath, ['app.ts'], {
    cwd: exampleFolder,
    env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ bundle: await writeBundle(folder) }) },
  });
  const read = async (stack: string) =>
    JSON.parse(await readFile(join(out, `${stack}.template.json`), 'utf8')) as Template;
  const [staging, production] = await Promise.all([
    read('bluemoxon-staging-refresh'),
    read('bluemoxon-production-source'),
  ]);
  return { staging, production };
}

/** Something that has the bundle's files: what they do is not asked here. */
export async function writeBundle(folder: string): Promise<string> {
  const bundle = join(folder, 'bundle');
  await mkdir(bundle);
  for (const name of ['index.mjs', 'task.mjs'])
    await writeFile(join(bundle, name), 'export const handler = () => {};\n');
  await writeFile(join(bundle, 'Dockerfile'), 'FROM scratch\nCOPY . .\n');
  return bundle;
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'restage-cdk-'));
}

/** A value of a template with AWS's own references put in, as the deployment would. */
export function resolved(value: unknown, template: Template): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, template));
  if (typeof value !== 'object' || value === null) return value;
  const [[key, inner] = ['', undefined], ...more] = Object.entries(value) as [string, unknown][];
  if (more.length === 0 && key === 'Fn::Join') {
    const [separator, parts] = inner as [string, unknown[]];
    return parts.map((part) => resolved(part, template)).join(separator);
  }
  if (more.length === 0 && key === 'Ref') return inner === 'AWS::Partition' ? 'aws' : String(inner);
  if (more.length === 0 && key === 'Fn::GetAtt') return attribute(template, inner as [string, string]);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolved(item, template)]));
}

/** In the example everything has a name, but for what AWS numbers, and CDK. */
function attribute(template: Template, [id, name]: readonly [string, string]): string {
  const { Type: type, Properties: of = {} } = template.Resources[id] ?? { Type: 'missing' };
  if (type === 'AWS::S3::Bucket') return `arn:aws:s3:::${String(of['BucketName'])}`;
  if (type === 'AWS::Logs::LogGroup')
    return `arn:aws:logs:us-west-2:222222222222:log-group:${String(of['LogGroupName'])}:*`;
  if (type === 'AWS::Lambda::Function')
    return `arn:aws:lambda:us-west-2:222222222222:function:${String(of['FunctionName'])}`;
  if (type === 'AWS::EC2::SecurityGroup') return 'sg-0a1b2c3d4e5f60002';
  if (type === 'AWS::KMS::Key') return 'arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-4e5f-4000-8000-000000000002';
  if (type === 'AWS::Scheduler::ScheduleGroup')
    return 'arn:aws:scheduler:us-west-2:222222222222:schedule-group/bluemoxon-staging-refresh';
  return `${id}.${name}`;
}

/** Each policy of a template's roles, resolved, by the role's name. */
export function policiesOf(template: Template): ReadonlyMap<string, PolicyDocument> {
  const found = new Map<string, PolicyDocument>();
  for (const [id, { Type: type, Properties: of = {} }] of Object.entries(template.Resources)) {
    const inline = (type === 'AWS::IAM::Role' ? of['Policies'] : undefined) as
      | { PolicyDocument: unknown }[]
      | undefined;
    for (const { PolicyDocument: document } of inline ?? [])
      found.set(nameOf(of, id), resolved(document, template) as PolicyDocument);
    if (type === 'AWS::IAM::Policy') {
      const [role] = of['Roles'] as [{ Ref: string }];
      found.set(
        nameOf(template.Resources[role.Ref]?.Properties, role.Ref),
        resolved(of['PolicyDocument'], template) as PolicyDocument,
      );
    }
  }
  return found;
}

function nameOf(role: Resource['Properties'], id: string): string {
  const name = role?.['RoleName'];
  return typeof name === 'string' ? name : id;
}

/** Statements that allow, with lists where there may be one. */
export function allowed({ Statement: statements }: PolicyDocument): {
  readonly sid: string | undefined;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}[] {
  return statements
    .filter(({ Effect: effect }) => effect === 'Allow')
    .map(({ Sid: sid, Action: action, Resource: resource }) => ({
      sid,
      actions: [action].flat(),
      resources: [resource ?? []].flat(),
    }));
}
