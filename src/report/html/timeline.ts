import { displayTable } from '../../postgres/names.ts';
import type { StepReport } from '../../step.ts';
import { count, counted, duration } from '../format.ts';
import { stepsOf, type Report, type StepOf } from '../report.ts';
import { hasDone } from '../step-words.ts';
import { inLanes, type Span } from './lanes.ts';
import { markup, named, type Markup } from './markup.ts';
import { outcomeSign, sign } from './sign.ts';

/** A line of the timeline: one step, or a lane of tables that were copied one after the other. */
interface Line {
  readonly name: string;
  readonly spans: readonly Span[];
  /** From its first beginning to its last end, in ms after the run's. */
  readonly from?: number;
  readonly tookMs?: number;
  readonly state: Markup;
  readonly told?: string | undefined;
}

/** So many steps are told to be the slowest. */
const slowestTold = 5;

/** When each step ran and for how long: beside each other what ran side by side. */
export function timeline(report: Report): Markup | undefined {
  const timed = report.steps.filter(hasTime);
  if (timed.length === 0) return undefined;
  const begin = Date.parse(report.startedAt);
  const end = Math.max(report.durationMs, ...timed.map((step) => spanOf(step, begin).to));
  const [slowest] = timed.toSorted(bySlowest);
  const lines = linesOf(report, begin).toSorted((a, b) => (a.from ?? end) - (b.from ?? end));
  return markup`<p>${slowestText(timed, report.durationMs)}</p>
<p class="scale" aria-hidden="true"><span>0</span><span>${duration(end / 2)}</span><span>${duration(end)}</span></p>
<ol class="timeline">
${lines.map((line) => lineOf(line, end, slowest?.id))}</ol>`;
}

/** A step that was begun. */
interface Timed {
  readonly id: string;
  readonly outcome: { readonly startedAt: string; readonly durationMs: number };
}

function hasTime<S extends Pick<StepReport, 'id' | 'outcome'>>(step: S): step is S & Timed {
  return 'durationMs' in step.outcome;
}

function bySlowest(one: Timed, other: Timed): number {
  return other.outcome.durationMs - one.outcome.durationMs;
}

function slowestText(timed: readonly Timed[], totalMs: number): string {
  const slowest = timed.toSorted(bySlowest).slice(0, slowestTold);
  const told = slowest.map(({ id, outcome: { durationMs } }) => {
    const percent = totalMs > 0 ? Math.round((100 * durationMs) / totalMs) : 0;
    return `${id} ${duration(durationMs)}${percent > 0 ? ` (${percent} %)` : ''}`;
  });
  return `Slowest: ${told.join(', ')}. Steps that ran at the same time stand over one another.`;
}

function spanOf({ id, outcome }: Timed, begin: number): Span {
  const from = Math.max(0, Date.parse(outcome.startedAt) - begin);
  return { name: id, from, to: from + outcome.durationMs };
}

/** In the plan's order; the tables as the lanes that they were copied in. */
function linesOf(report: Report, begin: number): Line[] {
  let told = false;
  return report.steps.flatMap((step): Line[] => {
    if (step.kind !== 'copy-table') return [stepLine(step, begin)];
    if (told) return [];
    told = true;
    return tableLines(stepsOf(report, 'copy-table'), begin);
  });
}

function stepLine(step: StepReport, begin: number): Line {
  const failure = step.outcome.status === 'failed' ? step.outcome.failure.message : undefined;
  const state = outcomeSign(step.outcome);
  if (!hasTime(step)) return { name: step.id, spans: [], state };
  const span = spanOf(step, begin);
  return {
    name: step.id,
    spans: [{ ...span, failed: step.outcome.status !== 'done' }],
    from: span.from,
    tookMs: span.to - span.from,
    state,
    told: failure ?? hasDone(step),
  };
}

function tableLines(tables: readonly StepOf<'copy-table'>[], begin: number): Line[] {
  const spans = tables.filter(hasTime).map((step) => ({
    ...spanOf(step, begin),
    name: displayTable(step.table),
    failed: step.outcome.status !== 'done',
  }));
  const failed = tables.filter(({ outcome }) => outcome.status === 'failed');
  const unmade = tables.length - spans.length;
  const lanes = inLanes(spans).map((lane, index): Line => {
    const from = lane[0]?.from ?? 0;
    const bad = lane.filter((span) => span.failed).length;
    return {
      name: `copy-table, lane ${index + 1}`,
      spans: lane,
      from,
      tookMs: (lane.at(-1)?.to ?? from) - from,
      state: bad === 0 ? sign('good', 'done') : sign('bad', `${count(bad)} not done`),
      told: `${counted(lane.length, 'table')}${lane.length > 1 ? ' one after the other' : ''}${lane.length <= 6 ? `: ${lane.map(({ name }) => name).join(', ')}` : ''}`,
    };
  });
  return [
    ...lanes,
    ...(unmade === 0
      ? []
      : [{ name: 'copy-table', spans: [], state: sign('none', 'not run'), told: counted(unmade, 'table') }]),
    ...failed.slice(0, slowestTold).map((step) => ({ ...stepLine(step, begin), name: step.id })),
  ];
}

function lineOf({ name, spans, from, tookMs, state, told }: Line, end: number, slowest: string | undefined): Markup {
  const isSlowest = name === slowest;
  const time =
    from === undefined || tookMs === undefined
      ? undefined
      : markup` <span>${duration(tookMs)}</span> <span class="dim">from ${from < 1 ? '0 s' : duration(from)}</span>`;
  return markup`<li><span class="name">${named(name)}${isSlowest ? markup` <strong class="slow">slowest</strong>` : undefined}</span> <span class="time">${state}${time}</span>${spans.length === 0 ? undefined : bars(spans, end)}${told === undefined ? undefined : markup` <span class="told">${told}</span>`}</li>
`;
}

/** Of a thousand units from the run's beginning to its end; what is too thin to be seen is one with its neighbours. */
function bars(spans: readonly Span[], end: number): Markup {
  const unit = end / 1000;
  const drawn: { from: number; to: number; names: number; name: string; failed: boolean }[] = [];
  for (const { from, to, name, failed = false } of spans) {
    const last = drawn.at(-1);
    const isThin = to - from < 4 * unit;
    if (last && !failed && !last.failed && isThin && from - last.to < unit) {
      last.to = to;
      last.names += 1;
    } else drawn.push({ from, to, names: 1, name, failed });
  }
  const bar = ({ from, to, names, name, failed }: (typeof drawn)[number]) => {
    const gap = spans.length > 1 ? 1 : 0;
    const x = Math.min(997, from / unit);
    const width = Math.max(3, (to - from) / unit - gap);
    const title = `${names > 1 ? counted(names, 'table') : name}, ${duration(to - from)}`;
    return markup`<rect x="${x.toFixed(1)}" y="0" width="${width.toFixed(1)}" height="10"${failed ? markup` class="failed"` : undefined}><title>${title}</title></rect>`;
  };
  return markup`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">${drawn.map(bar)}</svg>`;
}
