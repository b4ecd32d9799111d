import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import type { Contents } from './contents.ts';
import { obstacles, withObstacle } from './obstacles.ts';
import { hasPython, openScreen, type Screen } from './pseudo-terminal.ts';
import { requireNoSecret, type Scene, startScene } from './scene.ts';
import { openSession, type Session, until } from './sql.ts';

describe.skipIf(!hasPython)('at a terminal', () => {
  let scene: Scene;
  let before: Contents;
  let target: Session;

  beforeAll(async () => {
    scene = await startScene();
    before = await scene.staging();
    target = await openSession(scene.environment.target.postgres.adminUrl());
  });
  afterAll(async () => {
    await target[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  /** Types `restage …` at a terminal of that kind. */
  function openAs(kind: string, ...args: readonly string[]): Screen {
    const { variables, configFile } = scene.environment;
    const screen = openScreen([...args, '--config', configFile], { folder: scene.folder, variables, kind });
    const ended = screen.ended.then((result) => {
      requireNoSecret(scene.secrets, result.raw, `restage ${args.join(' ')}`);
      return result;
    });
    return { ...screen, ended };
  }

  const open = (...args: readonly string[]) => openAs('xterm-256color', ...args);

  /** Begins a refresh, and does something to its terminal while staging migrates. */
  async function whileItMigrates(
    act: (screen: Screen) => void,
  ): Promise<Awaited<Screen['ended']> & { report: Report }> {
    const migrating = `select from pg_stat_activity where query like 'UPDATE public.alembic_version%' and state = 'active'`;
    const earlier = await scene.runFiles();
    const ended = await withObstacle(scene, obstacles.slowMigration, async () => {
      const screen = open('sync', '--yes', '--only', 'database');
      await until(target, migrating);
      act(screen);
      return await screen.ended;
    });
    const kept = [...(await scene.runFiles())].filter(([file]) => !earlier.has(file));
    const [, text = 'null'] = kept.find(([file]) => file.endsWith('/report.json')) ?? [];
    return { ...ended, report: JSON.parse(text) as Report }; // its fields are looked at one by one
  }

  test('a terminal that is closed while staging migrates leaves staging as it was, and a report', async () => {
    const { code, report } = await whileItMigrates((screen) => screen.close());
    expect(report).toMatchObject({ outcome: 'interrupted', recovery: { swappedBack: true } });
    expect(report.recovery?.failure).toBeUndefined();
    expect(await scene.staging()).toEqual(before);
    expect(code).toBe(130);
  });

  test('a terminal that knows no colours gets none', async () => {
    expect((await open('plan').ended).raw).toContain('\u001b[1m');
    expect((await openAs('dumb', 'plan').ended).raw).not.toContain('\u001b');
  });

  test('an interrupt is answered above the live display, and the summary follows', async () => {
    const { code, text, report } = await whileItMigrates((screen) => screen.type('\u0003'));
    expect(code).toBe(130);
    expect(text).toMatch(/interrupted: stopping …$/m);
    expect(text).toMatch(/✗ staging was not refreshed: interrupted/);
    expect(report.outcome).toBe('interrupted');
    expect(await scene.staging()).toEqual(before);
  });

  test('a terminal that is closed at the question changes nothing', async () => {
    const earlier = await scene.runFiles();
    const screen = open('sync', '--only', 'database');
    await screen.shows('Type staging to go on: ');
    screen.close();
    const { code } = await screen.ended;
    expect(code).toBe(130);
    expect(await scene.staging()).toEqual(before);
    expect([...(await scene.runFiles()).keys()]).toEqual([...earlier.keys()]);
  });

  describe('the question', () => {
    async function answer(text: string): Promise<Awaited<Screen['ended']>> {
      const screen = open('sync', '--only', 'database');
      await screen.shows('Type staging to go on: ');
      screen.type(text);
      const ended = await screen.ended;
      expect(await scene.staging()).toEqual(before);
      return ended;
    }

    test('names the database, its server and its account', async () => {
      const { text } = await answer('\r');
      const { postgres, database } = scene.environment.target;
      const what = `This replaces the database ${database} at 127.0.0.1:${postgres.port} (AWS account 222222222222), 14 tables with `;
      expect(text.replaceAll(/\s+/g, ' ')).toContain(what); // in lines of the terminal's width
    });

    test.each([
      ['another name', 'prod\r', 3, '✗ “prod” is not “staging”; nothing was changed'],
      ['nothing', '\r', 3, '✗ staging was not typed; nothing was changed'],
      ['Ctrl-D', '\u0004', 3, '✗ staging was not typed; nothing was changed'],
      ['Ctrl-C', '\u0003', 130, '✗ interrupted; nothing was changed'],
    ])('answered with %s changes nothing', async (_what, typed, exitCode, said) => {
      const { code, text } = await answer(typed);
      expect(text.split('\n').map((line) => line.trim())).toContain(said);
      expect(code).toBe(exitCode);
    });
  });
});
