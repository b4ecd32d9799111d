import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { displayTable } from '../src/postgres/names.ts';
import { html, type Report } from '../src/index.ts';
import { findChromium, type OpenedPage, openPage, startChromium } from './browser.ts';
import { exampleReport, hostileNames } from './example-report.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { startScene } from './scene.ts';

const chromium = findChromium();
if (chromium === undefined)
  console.warn('no chromium, chromium-browser or google-chrome on PATH: the page is not looked at in a browser');

/** Real runs of the reference user, one that ended well and one that was put back, and reports with what no run has all of. */
interface Pages {
  readonly done: string;
  readonly failed: string;
  readonly hostile: string;
  readonly hostileFailed: string;
  readonly large: string;
}

let browser: Browser;
let folder: string;
let pages: Pages;
let doneReport: Report;
let failedReport: Report;

beforeAll(async () => {
  if (chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'restage-page-'));
  browser = await startChromium(chromium);
  const write = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, text);
    return file;
  };
  await using scene = await startScene();
  const failed = await withObstacle(scene, obstacles.migratedByHand, () => scene.sync('--only', 'database'));
  const config = await scene.configure((document) =>
    document.setIn(['objects'], { images: { delete: { maxCount: 100, maxPercent: 5 } } }),
  );
  const done = await scene.sync('--config', config);
  [doneReport, failedReport] = [done.report, failed.report];
  const kept = (report: Report) => readFile(join(scene.folder, '.restage', 'runs', report.run, 'report.html'), 'utf8');
  pages = {
    done: await write('done.html', await kept(doneReport)),
    failed: await write('failed.html', await kept(failedReport)),
    hostile: await write('hostile.html', html(exampleReport(24))),
    hostileFailed: await write('hostile-failed.html', html(exampleReport(24, 'failed'))),
    large: await write('large.html', html(exampleReport(5000))),
  };
});
afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

const names = ['done', 'failed', 'hostile', 'hostileFailed', 'large'] as const;

function open(name: keyof Pages, options?: BrowserContextOptions): Promise<OpenedPage> {
  return openPage(browser, pages[name], options);
}

/** What an expression makes of every element of the page that the selector finds; the element is `one`. */
function each<T>(page: Page, selector: string, expression: string): Promise<T[]> {
  return page.evaluate<T[]>(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => ${expression})`);
}

/** The tables' names that can be seen, in their order. */
async function namesShown(page: Page): Promise<string[]> {
  const rows = await each<string | false>(
    page,
    `${tables} tbody tr`,
    `getComputedStyle(one).display !== 'none' && one.cells[0].textContent`,
  );
  return rows.filter((name) => name !== false);
}

const tables = 'section[aria-labelledby=tables] table';

describe.skipIf(chromium === undefined)('the page of a report', () => {
  test.each(names)('opened from the disk, asks for nothing, and nothing of it is stopped: %s', async (name) => {
    await using opened = await open(name);
    const { page } = opened;
    await page.locator('footer').scrollIntoViewIfNeeded();
    expect(await page.locator('h1').innerText()).toMatch(/^staging (is refreshed from production|was not refreshed)$/);
    expect(await page.locator('.controls').first().isVisible()).toBe(true);
    expect([opened.requests, opened.complaints]).toEqual([[], []]);
  });

  test('its policy runs no other script and loads nothing', async () => {
    const file = join(folder, 'changed.html');
    const text = await readFile(pages.done, 'utf8');
    await writeFile(
      file,
      text.replace(
        '</main>',
        '</main><script>document.title = "other"</script><img src="x.png"><p style="color: red">red</p>',
      ),
    );
    await using opened = await openPage(browser, file);
    expect(await opened.page.title()).not.toBe('other');
    expect(opened.complaints.filter((one) => /content security policy/i.test(one))).toHaveLength(3);
  });

  test('says first how a run ended, and what went wrong before anything else', async () => {
    await using opened = await open('failed');
    const { page } = opened;
    const header = await page.locator('header').innerText();
    expect(header).toContain('Failed');
    expect(header).toContain('Staging holds its previous database again, as it was before the run.');
    expect(header).toContain(`127.0.0.1:${failedReport.source.database?.origin.port}`);
    const first = page.locator('main > section').first();
    expect(await first.locator('h2').innerText()).toBe('Failure');
    const words = await first.innerText();
    expect(words).toContain('migrate-failed');
    expect(words).toContain('column "tier" of relation "authors" already exists');
    expect(words).toContain('The previous database was put back in its place');
    expect(words).toMatch(/✓ database: .*\n?.*✓ revision: /s);
  });

  test('names of tables, columns and keys are text, whatever they are', async () => {
    await using opened = await open('hostile');
    const shown = await namesShown(opened.page);
    for (const name of hostileNames) {
      const visible = displayTable({ schema: 'public', name }).replaceAll('\n', '↵').replaceAll('\u202e', '�');
      expect(shown).toContain(visible);
    }
    expect(await opened.page.title()).toContain('staging is refreshed');
    expect(await opened.page.locator('img, main script').count()).toBe(0);
  });

  test('tables are sorted by each figure and by name, from either end', async () => {
    await using opened = await open('done');
    const { page } = opened;
    const facts = doneReport.steps.flatMap((step) =>
      step.kind === 'copy-table' && step.outcome.status === 'done' ? [step.outcome] : [],
    );
    const ordered = (of: (outcome: (typeof facts)[number]) => number) => facts.map(of).toSorted((a, b) => b - a);
    const values = (column: number) =>
      each<number>(page, `${tables} tbody tr > :nth-child(${column})`, `Number(one.dataset.v)`);
    const head = (name: string) => page.locator(`${tables} th`, { hasText: name }).filter({ visible: true }).first();
    for (const [name, column, of] of [
      ['Rows', 3, ({ facts: { rows } }) => rows],
      ['Copied', 4, ({ facts: { bytes } }) => bytes],
      ['Time', 5, ({ durationMs }) => durationMs],
      ['Copying', 6, ({ facts: { copyMs } }) => copyMs],
      ['Indexes', 7, ({ facts: { indexMs } }) => indexMs],
    ] as const satisfies readonly [string, number, (outcome: (typeof facts)[number]) => number][]) {
      await page.getByRole('button', { name, exact: true }).click();
      expect(await head(name).getAttribute('aria-sort')).toBe('descending');
      expect(await values(column)).toEqual(ordered(of));
      await page.getByRole('button', { name, exact: true }).click();
      expect(await head(name).getAttribute('aria-sort')).toBe('ascending');
      expect(await values(column)).toEqual(ordered(of).toReversed());
    }
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    const inOrder = facts.map(({ facts: { table } }) => displayTable(table)).toSorted();
    expect(await namesShown(page)).toEqual(inOrder);
    expect(await page.locator('th[aria-sort=ascending], th[aria-sort=descending]').count()).toBe(1);
  });

  test('tables are searched by name and chosen by what became of them', async () => {
    await using opened = await open('done');
    const { page } = opened;
    await page.getByRole('searchbox', { name: 'Search tables' }).fill('book im');
    expect(await namesShown(page)).toEqual(['book_images']);
    expect(await page.locator('section[aria-labelledby=tables] output').innerText()).toBe('1 of 14 tables');
    await page.getByRole('searchbox', { name: 'Search tables' }).fill('');
    await page.getByRole('combobox', { name: 'Content' }).selectOption('rows equal');
    expect(await namesShown(page)).toEqual(['api_keys']);
  });

  test('everything is reached and used by keyboard, and where the focus is can be seen', async () => {
    await using opened = await open('done');
    const { page } = opened;
    const seen: string[] = [];
    for (let steps = 0; steps < 80; steps += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate<{ name: string; outline: string } | undefined>(`(() => {
        const { activeElement: at } = document;
        if (!at || at === document.body) return undefined;
        return { name: at.ariaLabel ?? at.innerText ?? '', outline: getComputedStyle(at).outlineStyle };
      })()`);
      if (!focused) break;
      expect(focused, JSON.stringify(focused)).toMatchObject({
        outline: expect.stringMatching(/solid|auto/) as string,
      });
      seen.push(focused.name.trim());
      if (focused.name.trim() === 'Rows') await page.keyboard.press('Enter');
    }
    expect(seen).toEqual(expect.arrayContaining(['Verification', 'Tables', 'Rows', 'Copied', 'Content']));
    expect((await namesShown(page))[0]).toBe('book_images');
  });

  test.each(['done', 'failed', 'hostileFailed'] as const)(
    'every control, table and region has a name, and headings skip no level: %s',
    async (name) => {
      await using opened = await open(name);
      const { page } = opened;
      const session = await page.context().newCDPSession(page);
      const { nodes } = (await session.send('Accessibility.getFullAXTree')) as {
        nodes: { ignored: boolean; role?: { value?: string }; name?: { value?: string } }[];
      };
      const roles = ['button', 'searchbox', 'combobox', 'link', 'region', 'table', 'navigation'];
      const found = nodes.filter((node) => !node.ignored && roles.includes(node.role?.value ?? ''));
      expect(new Set(found.map((node) => node.role?.value))).toEqual(new Set(roles));
      expect(found.filter((node) => (node.name?.value ?? '').trim() === '')).toEqual([]);
      for (const landmark of ['banner', 'main', 'contentinfo'])
        expect(
          nodes.filter((node) => node.role?.value === landmark),
          landmark,
        ).toHaveLength(1);
      const levels = await each<number>(page, 'h1, h2, h3, h4', `Number(one.tagName[1])`);
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      expect(levels[0]).toBe(1);
      for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
      expect(await page.locator('table:not(:has(caption))').count()).toBe(0);
      expect(await page.locator('thead th:not([scope=col]), tbody th:not([scope=row])').count()).toBe(0);
    },
  );

  test.each([
    ['light', 'done'],
    ['light', 'hostileFailed'],
    ['dark', 'done'],
    ['dark', 'hostileFailed'],
  ] as const)('text stands out from what is behind it by 4.5 at least: %s, %s', async (colorScheme, name) => {
    await using opened = await open(name, { colorScheme });
    const weak = await opened.page.evaluate<string[]>(contrasts);
    expect(weak).toEqual([]);
    const [paper] = await each<string>(opened.page, 'body', `getComputedStyle(one).backgroundColor`);
    expect(paper).toBe(colorScheme === 'dark' ? 'rgb(21, 23, 27)' : 'rgb(255, 255, 255)');
  });

  test.each(names)('on a phone only tables of figures go sideways, in a frame of their own: %s', async (name) => {
    await using opened = await open(name, { viewport: { width: 360, height: 740 } });
    const { page } = opened;
    expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBe(360);
    const beyond = await page.evaluate<string[]>(
      `[...document.querySelectorAll('main *')].filter((one) => !one.closest('.scroll') && !one.closest('svg') && getComputedStyle(one).position !== 'absolute' && !one.closest('thead') && one.getBoundingClientRect().right > 361).map((one) => one.outerHTML.slice(0, 200))`,
    );
    expect(beyond).toEqual([]);
  });

  test.each(['hostile', 'large'] as const)('printed, everything is there and nothing to press: %s', async (name) => {
    await using opened = await open(name);
    const { page } = opened;
    await page.getByRole('searchbox', { name: 'Search tables' }).fill('table_0000');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await namesShown(page)).toHaveLength(name === 'large' ? 5000 : 24);
    expect(await page.locator('nav, input, select, .more').filter({ visible: true }).count()).toBe(0);
    const colours = await page.evaluate(`getComputedStyle(document.body).backgroundColor`);
    expect(colours).toBe('rgb(255, 255, 255)');
  });

  test.each(['done', 'large'] as const)(
    'without JavaScript everything is there and nothing that would do nothing: %s',
    async (name) => {
      await using opened = await open(name, { javaScriptEnabled: false });
      const { page } = opened;
      expect(await namesShown(page)).toHaveLength(name === 'large' ? 5000 : 14);
      expect(await page.locator('button, input, select').filter({ visible: true }).count()).toBe(0);
      expect(opened.complaints).toEqual([]);
    },
  );

  test('of 5,000 tables the first 100 are shown, then all; an order and a search take no second', async () => {
    await using opened = await open('large');
    const { page } = opened;
    expect(await namesShown(page)).toHaveLength(100);
    const told = page.locator('section[aria-labelledby=tables] output');
    expect(await told.innerText()).toBe('the first 100 of 5,000 tables');
    const ms = await page.evaluate<number>(`(() => {
      const begin = performance.now();
      const table = document.querySelector(${JSON.stringify(tables)});
      table.tHead.rows[0].cells[2].querySelector('button').click();
      return performance.now() - begin;
    })()`);
    expect(ms).toBeLessThan(1000);
    await page.getByRole('searchbox', { name: 'Search tables' }).fill('table_04');
    expect(await told.innerText()).toBe('the first 100 of 1,000 tables');
    await page.getByRole('button', { name: 'Show all 1,000 tables' }).click();
    expect(await namesShown(page)).toHaveLength(1000);
    expect((await readFile(pages.large)).length).toBeLessThan(3_000_000);
  });

  test('the lanes of the timeline are those that the tables were copied in', async () => {
    await using opened = await open('hostile');
    const lanes = opened.page.locator('ol.timeline li').filter({ hasText: 'copy-table, lane' });
    expect(await lanes.count()).toBe(4);
    expect(await opened.page.locator('ol.timeline .slow').count()).toBe(1);
  });
});

/** Every text that can be seen whose colour is too near to that behind it. */
const contrasts = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === '' || !element.checkVisibility() || element.closest('svg, script')) continue;
    seen += 1;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) weak.push(ratio.toFixed(2) + ' ' + walker.currentNode.data.slice(0, 60));
  }
  if (seen < 100) weak.push('only ' + seen + ' texts were seen');
  return weak;
})()`;
