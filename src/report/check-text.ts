import type { Finding } from '../check.ts';
import { columns } from './format.ts';
import type { Style } from './style.ts';

/** The findings as a table, what is wrong with its fix below it. */
export function checkText(findings: readonly Finding[], style: Style): string {
  const rows = findings.map(({ setting, configured, found, ok }) => [
    ok ? style('good', '✓') : style('bad', '✗'),
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
  const wrong = findings.filter(({ ok }) => !ok).length;
  const verdict =
    wrong === 0
      ? style('good', `all ${findings.length} settings are right`)
      : style('bad', `${wrong} of ${findings.length} settings are wrong`);
  return [style('strong', head), ...told, '', verdict].join('\n');
}
