import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

// The listing for Terraform, which nothing here runs.
const document = await readFile('docs/aws.md', 'utf8');
const listing = [...document.matchAll(/^```hcl\n(.*?)^```$/gms)].map(([, code = '']) => code).join('\n');
const code = listing.replaceAll(/^\s*#.*$/gm, '');

/** What is declared, as it is referred to. */
const declared = new Set([
  ...[...code.matchAll(/^resource "(\w+)" "(\w+)"/gm)].map(([, type, name]) => `${type}.${name}`),
  ...[...code.matchAll(/^data "(\w+)" "(\w+)"/gm)].map(([, type, name]) => `data.${type}.${name}`),
  ...[...code.matchAll(/^variable "(\w+)"/gm)].map(([, name]) => `var.${name}`),
  ...[...code.matchAll(/^locals \{\n(.*?)^\}/gms)].flatMap(([, body = '']) =>
    [...body.matchAll(/^ {2}(\w+)\s*=/gm)].map(([, name]) => `local.${name}`),
  ),
]);

test('everything that the listing refers to is declared in it', () => {
  const used = [...code.matchAll(/(?<![\w./"-])(data\.\w+\.\w+|aws_\w+\.\w+|var\.\w+|local\.\w+)/g)].map(
    ([, name = '']) => name,
  );
  const inText = [...code.matchAll(/\$\{(data\.\w+\.\w+|aws_\w+\.\w+|var\.\w+|local\.\w+)/g)].map(
    ([, name = '']) => name,
  );
  expect(used.length + inText.length).toBeGreaterThan(20);
  expect([...used, ...inText].filter((name) => !declared.has(name))).toEqual([]);
});

test('its provider is one that knows the runtime of the function', () => {
  expect(code).toContain('runtime                        = "nodejs24.x"');
  expect(code).toMatch(/aws\s+= \{ source = "hashicorp\/aws", version = "~> 6\.20" \}/);
});
