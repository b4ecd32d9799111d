import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayDecrypt } from '../src/cdk/index.ts';
import {
  allowed,
  policiesOf,
  resolved,
  synthesizeExample,
  temporaryFolder,
  type PolicyDocument,
  type Statement,
  type Template,
} from './aws-example.ts';

let folder: string;
let staging: Template;
let production: Template;
let page: string;
let listed: ReadonlyMap<string, PolicyDocument>;

beforeAll(async () => {
  folder = await temporaryFolder();
  ({ staging, production } = await synthesizeExample(folder));
  page = await readFile(join(import.meta.dirname, '../docs/aws.md'), 'utf8');
  listed = new Map(
    [...page.matchAll(/^\*\*`([\w-]+\.json)`\*\*.*\n\n```json\n([^`]+)```/gm)].map(([, name = '', text = '']) => [
      name,
      JSON.parse(text) as PolicyDocument,
    ]),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function propertiesOf(template: Template, type: string): Readonly<Record<string, unknown>>[] {
  return Object.values(template.Resources).flatMap((one) =>
    one.Type === type ? [resolved(one.Properties ?? {}, template) as Record<string, unknown>] : [],
  );
}

function only(template: Template, type: string): Readonly<Record<string, unknown>> {
  const [found, ...more] = propertiesOf(template, type);
  expect(more).toEqual([]);
  return found ?? {};
}

describe('examples/aws', () => {
  it('gives no right to everything: `*` stands only where AWS knows no narrower resource', () => {
    const all = [staging, production].flatMap((template) => [...policiesOf(template).values()]).flatMap(allowed);
    expect(all.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    const everywhere = all.filter(({ resources }) => resources.some((arn) => arn === '*'));
    expect(everywhere.flatMap(({ actions }) => actions)).toEqual([
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ecr:GetAuthorizationToken',
    ]);
  });

  it('lets nothing in production be written', () => {
    for (const policy of policiesOf(production).values())
      for (const { actions } of allowed(policy))
        for (const action of actions)
          expect(action).toMatch(
            /^(s3:(Get|List)|secretsmanager:GetSecretValue$|kms:Decrypt$|rds:Describe|rds-db:connect$)/,
          );
  });

  it('has its function in the subnets, and a weekly sync', () => {
    expect(only(staging, 'AWS::Lambda::Function')['VpcConfig']).toEqual({
      SubnetIds: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
      SecurityGroupIds: ['sg-0a1b2c3d4e5f60002'],
    });
    expect(only(staging, 'AWS::Scheduler::Schedule')['Target']).toMatchObject({
      Input: '{"action":"sync","begunBy":"schedule"}',
    });
  });

  it('holds no value of a variable', () => {
    expect(JSON.stringify(staging)).not.toContain('unset.invalid');
    expect(JSON.stringify(production)).not.toContain('unset.invalid');
  });
});

describe("docs/aws.md's listing", () => {
  const role = (template: Template, name: string): PolicyDocument | undefined => policiesOf(template).get(name);
  const trust = (template: Template, test: (role: Readonly<Record<string, unknown>>) => boolean) =>
    propertiesOf(template, 'AWS::IAM::Role').find(test)?.['AssumeRolePolicyDocument'];
  const isSchedule = (one: Readonly<Record<string, unknown>>) =>
    JSON.stringify(one).includes('scheduler.amazonaws.com');

  it('is what the construct makes', () => {
    const scheduler = [...policiesOf(staging).keys()].find((name) => name.startsWith('SchedulerRole')) ?? '';
    const bucketPolicy = (template: Template) => only(template, 'AWS::S3::BucketPolicy')['PolicyDocument'];
    const made: Record<string, unknown> = {
      'function.json': role(staging, 'bluemoxon-staging-refresh'),
      'people.json': role(staging, 'bluemoxon-staging-people'),
      'runs-bucket.json': bucketPolicy(staging),
      'schedule.json': role(staging, scheduler),
      'schedule-trust.json': trust(staging, isSchedule),
      'source.json': role(production, 'bluemoxon-restage-source'),
      'source-trust.json': trust(production, ({ RoleName: name }) => name === 'bluemoxon-restage-source'),
      'images-bucket.json': bucketPolicy(production),
    };
    for (const [name, document] of Object.entries(made)) expect([name, listed.get(name)]).toEqual([name, document]);
  });

  it("has what production adds for a reader of staging's account", () => {
    const stack = new Stack(new App({ outdir: join(folder, 'other') }), 'Production', {
      env: { account: '111111111111', region: 'us-west-2' },
    });
    const statement = (service: 's3' | 'secretsmanager', name: string) => [
      stack.resolve(
        mayDecrypt(stack, service, [`arn:aws:iam::222222222222:role/${name}`]).toStatementJson(),
      ) as Statement,
    ];
    expect(listed.get('secret-key.json')?.Statement).toEqual(statement('secretsmanager', 'bluemoxon-staging-refresh'));
    expect(listed.get('images-key.json')?.Statement).toEqual(statement('s3', 'bluemoxon-staging-people'));
    expect([JSON.parse(String(production.Outputs?.['ImagesKeyStatement']?.Value)) as unknown]).toEqual(
      listed.get('images-key.json')?.Statement,
    );
    expect(listed.get('secret.json')?.Statement).toHaveLength(1);
  });

  it('is all there is', () => {
    expect([...listed.keys()].toSorted()).toEqual([
      'function.json',
      'images-bucket.json',
      'images-key.json',
      'people.json',
      'runs-bucket.json',
      'schedule-trust.json',
      'schedule.json',
      'secret-key.json',
      'secret.json',
      'source-trust.json',
      'source.json',
    ]);
  });
});

describe('the Terraform of docs/aws.md', () => {
  const text = () => /```hcl\n([^]*?)```/.exec(page)?.[1] ?? '';
  /** What stands behind a name in one resource. */
  const value = (resource: string, name: string) => {
    const [, body = ''] =
      new RegExp(`^(?:resource|data) "${resource}" "\\w+" \\{\\n([^]*?)^\\}`, 'm').exec(text()) ?? [];
    return new RegExp(`^ *${name} *= (.*)$`, 'm').exec(body)?.[1];
  };

  it('reads policies from files that the page lists', () => {
    const files = [...text().matchAll(/\/([\w-]+\.json)"\)/g)].map(([, name]) => name);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) expect([...listed.keys()]).toContain(file);
  });

  it("has the construct's figures", () => {
    const made = only(staging, 'AWS::Lambda::Function');
    const lambda = (name: string) => value('aws_lambda_function', name);
    expect(lambda('runtime')).toBe(JSON.stringify(made['Runtime']));
    expect(lambda('handler')).toBe(JSON.stringify(made['Handler']));
    expect(lambda('architectures')).toBe(JSON.stringify(made['Architectures']));
    expect(lambda('memory_size')).toBe(String(made['MemorySize']));
    expect(lambda('timeout')).toBe(String(made['Timeout']));
    expect(lambda('reserved_concurrent_executions')).toBe(String(made['ReservedConcurrentExecutions']));
    const { Variables: variables } = made['Environment'] as { Variables: Record<string, string> };
    for (const [name, content] of Object.entries(variables)) expect(lambda(name)).toBe(JSON.stringify(content));
    const invoke = only(staging, 'AWS::Lambda::EventInvokeConfig');
    const event = (name: string) => value('aws_lambda_function_event_invoke_config', name);
    expect(event('maximum_retry_attempts')).toBe(String(invoke['MaximumRetryAttempts']));
    expect(event('maximum_event_age_in_seconds')).toBe(String(invoke['MaximumEventAgeInSeconds']));
    const [log] = propertiesOf(staging, 'AWS::Logs::LogGroup');
    expect(value('aws_cloudwatch_log_group', 'retention_in_days')).toBe(String(log?.['RetentionInDays']));
    const schedule = only(staging, 'AWS::Scheduler::Schedule');
    expect(value('aws_scheduler_schedule', 'schedule_expression')).toBe(JSON.stringify(schedule['ScheduleExpression']));
  });

  it("rings the construct's alarms", () => {
    const alarms = propertiesOf(staging, 'AWS::CloudWatch::Alarm').flatMap((alarm) => {
      const [dimension] = alarm['Dimensions'] as { Name: string; Value: unknown }[];
      // The page has no task, nor the rule that finds killed ones.
      if (dimension?.Value === 'bluemoxon-staging-refresh-task' || dimension?.Name === 'RuleName') return [];
      return [[alarm['MetricName'], alarm['Namespace'], dimension?.Name, String(alarm['EvaluationPeriods'])]];
    });
    const theirs = [
      ...text().matchAll(/^ *(\w+) *= \{ namespace = "([^"]+)", dimension = "(\w+)", periods = (\d) \}$/gm),
    ].map(([, ...parts]) => parts);
    expect(theirs).toEqual(alarms);
  });
});
