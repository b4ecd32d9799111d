import type { Finding } from '../check.ts';
import { columns } from './format.ts';
import type { Style } from './style.ts';

/** The findings as a table, what is wrong with its fix below it. */
export function checkText(findings: readonly Finding[], style: Style): string {
  const rows = findings.map(({ setting, configured, found, ok, tried }) => [
    ok ? style('good', '✓') : tried ? style('bad', '✗') : style('warn', '–'),
    setting,
    configured,
    found,
  ]);
  const lines = columns([['', 'setting', 'configured', 'found'], ...rows], ['left', 'left', 'left', 'left']);
  const [head = '', ...body] = lines;
  const told = body.flatMap((line, index) => {
    const fix = findings[index]?.fix;
    return fix === undefined ? [line] : [line, `   ${style('warn', `fix: ${fix}`)}`];
  });
  const wrong = findings.filter(({ ok, tried }) => !ok && tried).length;
  const untried = findings.filter(({ tried }) => !tried).length;
  const verdict =
    wrong + untried === 0
      ? style('good', `all ${findings.length} settings are right`)
      : style(
          'bad',
          `${wrong} of ${findings.length} settings ${wrong === 1 ? 'is' : 'are'} wrong${untried > 0 ? `, ${untried} not tried` : ''}`,
        );
  return [style('strong', head), ...told, '', verdict].join('\n');
}
