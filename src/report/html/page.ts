import { createHash } from 'node:crypto';
import { moment } from '../format.ts';
import { json } from '../json.ts';
import { knownIssues } from '../markdown/known-issues.ts';
import type { Report } from '../report.ts';
import { verdictOf } from '../verdict.ts';
import { drift } from './drift.ts';
import { failures } from './failures.ts';
import { list } from './list.ts';
import { markup, verbatim, type Markup } from './markup.ts';
import { migrations } from './migrations.ts';
import { objects } from './objects.ts';
import { script } from './page-script.ts';
import { style } from './page-style.ts';
import { parts } from './parts.ts';
import { rules } from './rules.ts';
import { settings } from './settings.ts';
import { tables } from './tables.ts';
import { timeline } from './timeline.ts';
import { verdict } from './verdict.ts';
import { verification } from './verification.ts';

export interface PageOptions {
  /** The file beside the page that has a line for each object. */
  readonly list?: string | undefined;
}

interface Part {
  readonly id: string;
  readonly title: string;
  readonly body: Markup | undefined;
}

/**
 * The report of a run as one HTML file that needs nothing else: no request, no script to be read, a table to be printed.
 * Its policy lets nothing run or load but what it was written with.
 */
export function html(report: Report, options: PageOptions = {}): string {
  const clean = JSON.parse(json(report)) as Report; // the same, without any secret
  const sections = partsOf(clean, options).filter(({ body }) => body !== undefined);
  const title = `${verdictOf(clean)}, ${moment(clean.startedAt)}`;
  return `<!doctype html>
${
  markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${verbatim(style)}</style>
</head>
<body>
${verdict(clean)}
<nav aria-label="Parts of this report">${sections.map(({ id, title: name }) => markup`<a href="#${id}">${name}</a> `)}</nav>
<main>
${sections.map(section)}</main>
<footer><p>Run ${clean.run}, planned ${moment(clean.madeAt)}, begun ${moment(clean.startedAt)}. Made by restage${clean.restage === undefined ? '' : ` ${clean.restage}`}; report of version ${clean.version}.</p></footer>
<script>${verbatim(script)}</script>
</body>
</html>
`.markup
}`;
}

/** What went wrong first, then what a reader asks next. */
function partsOf(report: Report, { list: objectList }: PageOptions): Part[] {
  return [
    {
      id: 'failure',
      title: report.outcome === 'interrupted' ? 'Interruption' : 'Failure',
      body: failures(report),
    },
    { id: 'issues', title: 'Known issues', body: list(knownIssues(report)) },
    { id: 'verification', title: 'Verification', body: verification(report) },
    { id: 'parts', title: report.parts ? 'Parts' : 'Function', body: parts(report) },
    { id: 'timeline', title: 'Timeline', body: timeline(report) },
    { id: 'tables', title: 'Tables', body: tables(report) },
    { id: 'rules', title: 'Data rules', body: rules(report) },
    { id: 'objects', title: 'Objects', body: objects(report, objectList) },
    { id: 'migrations', title: 'Migrations', body: migrations(report) },
    { id: 'drift', title: 'Schema drift', body: drift(report) },
    { id: 'settings', title: 'Settings', body: settings(report) },
  ];
}

function section({ id, title, body }: Part): Markup {
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}
</section>
`;
}

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
