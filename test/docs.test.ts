import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { exitCodes, loadConfig } from '../src/index.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/architecture.md',
  'docs/aws.md',
  'docs/connections.md',
  'docs/data-rules.md',
  'docs/databases.md',
  'docs/migrations.md',
  'docs/drift.md',
  'docs/lambda.md',
  'docs/objects.md',
  'docs/performance.md',
  'docs/report.md',
  'docs/rollback.md',
  'docs/safety.md',
  'examples/github-actions.yml',
  'docs/verify.md',
  ...readdirSync('docs/decisions').map((name) => `docs/decisions/${name}`),
];

const helps = new Map<string, string>();

function help(command = ''): string {
  const known = helps.get(command);
  if (known !== undefined) return known;
  const args = ['src/cli/main.ts', ...(command === '' ? [] : [command]), '--help'];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8' });
  helps.set(command, text);
  return text;
}

describe.each(pages)('%s', (page) => {
  const text = readFileSync(page, 'utf8');

  test('links to pages that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((found) => join(dirname(page), found[1] ?? ''));
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
  });

  test('shows configurations that load', () => {
    for (const [, indent = '', yaml = ''] of text.matchAll(/^([ ]*)```yaml\n([\s\S]*?)^[ ]*```$/gm)) {
      const example = yaml.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      expect(
        loadConfig(example, {
          file: page,
          variables: { STAGING_API_KEY: 'a-key', RESTAGE_MASK_KEY: '0123456789abcdef' },
        }).version,
      ).toBe(1);
    }
  });

  test('names commands and options that the program knows', () => {
    const known = help();
    for (const [, command = '', rest = ''] of text.matchAll(
      /(?:npx restage|npm run restage --|`restage) ([a-z]+)([^`\n]*)/g,
    )) {
      expect(known).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
      for (const [option] of rest.matchAll(/--[a-z]+/g)) expect(help(command)).toContain(option);
    }
    for (const [, rest = ''] of text.matchAll(/npm run (?:--silent )?demo -- ([^`\n]*)/g))
      for (const [option] of rest.matchAll(/--[a-z]+/g)) expect(help('demo')).toContain(option);
  });

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const [, script = ''] of text.matchAll(/npm run (?:--silent )?([a-z:]+)/g))
      expect(Object.keys(scripts)).toContain(script);
  });
});

test("the README's exit codes are the program's", () => {
  const told = [...readFileSync('README.md', 'utf8').matchAll(/^\| (\d+) \|/gm)].map((found) => Number(found[1]));
  expect(told).toEqual([0, ...new Set([...Object.values(exitCodes), 4])].toSorted((a, b) => a - b));
});

test('the README shows one configuration at least', () => {
  expect(readFileSync('README.md', 'utf8')).toContain('```yaml');
});

test('the workflow for GitHub is YAML, and each of its steps does one thing', () => {
  const { jobs } = parse(readFileSync('examples/github-actions.yml', 'utf8')) as {
    jobs: Record<string, { steps: { run?: string; uses?: string }[] }>;
  };
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  expect(steps.filter(({ run, uses }) => (run === undefined) === (uses === undefined))).toEqual([]);
  expect(steps.map(({ run }) => run)).toContain('npx restage sync --yes');
});
