import { versionText } from '../../app/version.ts';
import type { Kind, StepReport } from '../../step.ts';
import { comparisonText } from '../../app/expected-value.ts';
import { shown } from '../../app/shown.ts';
import { bytes, count, counted } from '../format.ts';
import { factsOf, stepsOf, type Report, type StepOf } from '../report.ts';
import { contentText, newerText } from '../fact-words.ts';
import { standingText } from '../versions-text.ts';

/** One thing that was held against the other end, or against what it must be. */
export interface Check {
  readonly what: string;
  /** By what, in a few words. */
  readonly how?: string;
  readonly source: string;
  readonly target: string;
  /** noted: right, and worth a look. told: not judged. */
  readonly result: 'right' | 'noted' | 'wrong' | 'told' | 'unchecked';
  /** In words. */
  readonly words: string;
  /** What does not hold, or what the words rest on. */
  readonly details: readonly string[];
}

/** Everything that a run has verified, and what it did not come to, in the order of its steps. */
export function checksOf(report: Report): Check[] {
  return report.steps.flatMap((step) => {
    const rows = (tell[step.kind] as ((step: StepReport, report: Report) => Check[]) | undefined)?.(step, report); // the function of its own kind
    return rows ?? [];
  });
}

type Tellers = { readonly [K in Kind]?: (step: StepOf<K>, report: Report) => Check[] };

const tell: Tellers = {
  'scan-leaks': (step) => {
    const facts = factsOf(step);
    const what = 'No real value of a masked column has arrived';
    if (!facts) return [unchecked(step, what)];
    return [
      {
        what,
        source: `${counted(facts.values, 'real value')} of ${counted(step.columns.length, 'column')}`,
        target: `${counted(facts.rows, 'row')} searched`,
        ...judged(step, 'none found', `found in ${counted(facts.leaks.length, 'column')}`),
        details: facts.leaks,
      },
    ];
  },

  'verify-tables': (step, report) => {
    const facts = factsOf(step);
    const what = step.verify === 'content' ? 'Rows and content of every table' : 'Rows of every table';
    if (!facts) return [unchecked(step, what)];
    const tables = stepsOf(report, 'copy-table').flatMap((table) => factsOf(table) ?? []);
    const sum = (end: 'source' | 'target') => tables.reduce((total, table) => total + table[end].rows, 0);
    return [
      {
        what,
        how: step.verify === 'content' ? 'digests taken while copying' : 'rows counted while copying',
        source: counted(sum('source'), 'row'),
        target: counted(sum('target'), 'row'),
        ...judged(
          step,
          `all ${counted(facts.tables, 'table')} equal`,
          `${count(facts.different.length)} of ${counted(facts.tables, 'table')} different`,
        ),
        details: facts.different,
      },
    ];
  },

  'verify-integrity': (step) => {
    const facts = factsOf(step);
    const what = 'Constraints, indexes and sequences';
    if (!facts) return [unchecked(step, what)];
    const { constraints, indexes, sequences, wrong, told = [] } = facts;
    return [
      {
        what,
        how: 'valid; sequences at or above what columns hold',
        source: '',
        target: `${counted(constraints, 'constraint')}, ${counted(indexes, 'index', 'indexes')}, ${counted(sequences, 'sequence')}`,
        ...judged(step, 'all hold', counted(wrong.length, 'fault')),
        details: [...wrong, ...told],
      },
    ];
  },

  'verify-references': (step) => {
    const facts = factsOf(step);
    const what = `Keys that rows name exist in ${step.bucket}`;
    const how = step.columns.map(({ column }) => column).join(', ');
    if (!facts) return [{ ...unchecked(step, what), how }];
    const { named, missing, absent, unnamed } = facts;
    const told = (keys: readonly string[]) => keys.map((key) => JSON.stringify(key)).join(', ');
    return [
      {
        what,
        how,
        source: `${counted(named, 'key')} named by rows`,
        target: `${count(named - missing.keys - absent.keys)} are there`,
        ...judged(
          step,
          missing.keys + absent.keys === 0 ? 'all exist' : `${count(absent.keys)} in neither bucket`,
          missing.keys > 0 ? `${count(missing.keys)} missing` : `${count(absent.keys)} in neither bucket`,
        ),
        ...(step.outcome.status === 'done' && absent.keys > 0 ? { result: 'noted' as const } : {}),
        details: [
          ...(missing.keys > 0 ? [`missing, though the source has them: ${told(missing.examples)}`] : []),
          ...(absent.keys > 0 ? [`in neither bucket: ${told(absent.examples)}`] : []),
          ...(unnamed.keys > 0
            ? [`${counted(unnamed.keys, 'object')} that no row names, e.g. ${told(unnamed.examples)}`]
            : []),
        ],
      },
    ];
  },

  'verify-objects': (step) => {
    const facts = factsOf(step);
    const what = `Objects of ${step.bucket}`;
    if (!facts) return [unchecked(step, what)];
    const { source, same, missing, changed, newer, content, examples } = facts;
    return [
      {
        what,
        how: 'both listings once more',
        source: `${counted(source.objects, 'object')}, ${bytes(source.bytes)}`,
        target: `${count(same.objects)} equal${newerText(newer.objects)}${contentText(content)}`,
        ...judged(step, 'equal', `${count(missing.objects)} missing, ${count(changed.objects)} different`),
        details: [
          ...(missing.objects + changed.objects > 0 ? [examples.map((key) => JSON.stringify(key)).join(', ')] : []),
          ...(content?.different ?? []).map(({ key, reason }) => `${JSON.stringify(key)}: ${reason}`),
        ],
      },
    ];
  },

  'check-health': (step) => {
    const facts = factsOf(step);
    const what = `Health of the application, ${step.path}`;
    const expected = Object.entries(step.expect).map(([key, value]) => `${key} is ${String(value)}`);
    const how = `expected: ${expected.join(', ')}`;
    if (!facts) return [{ ...unchecked(step, what), how }];
    const single = facts.checks.map(({ name, status, healthy, detail }): Check => ({
      what: `Check ${name} of ${step.path}`,
      source: '',
      target: [status, ...(detail === undefined ? [] : [detail])].join(': '),
      result: healthy ? 'right' : 'wrong',
      words: healthy ? 'well' : 'not well',
      details: [],
    }));
    return [
      {
        what,
        how,
        source: '',
        target: step.outcome.status === 'done' ? expected.join(', ') : '',
        ...judged(step, 'as expected', 'not as expected'),
        details: step.outcome.status === 'failed' ? [step.outcome.failure.message] : [],
      },
      ...single,
    ];
  },

  'compare-versions': (step) => {
    const facts = factsOf(step);
    const what = 'Versions of both applications';
    const how = { any: 'told, not judged', same: 'must be the same', ahead: "the target's must not be lower" }[
      step.policy
    ];
    if (!facts) return [{ ...unchecked(step, what), how }];
    const words = standingText(facts.relation);
    const judgement = judged(step, words, words);
    return [
      {
        what,
        how,
        source: versionText(facts.source),
        target: versionText(facts.target),
        ...judgement,
        ...(judgement.result === 'right' && step.policy === 'any' ? { result: 'told' as const } : {}),
        details: [],
      },
    ];
  },

  'compare-total': (step) => {
    const facts = factsOf(step);
    const what = `${step.read} of GET ${step.path}`;
    const how = step.table === undefined ? 'the same at both ends' : `the rows of ${step.table}`;
    if (!facts) return [{ ...unchecked(step, what), how }];
    return [
      {
        what,
        how,
        source: shown(facts.source),
        target: shown(facts.target),
        ...judged(step, 'equal', 'different'),
        details: [],
      },
    ];
  },

  'check-value': (step) => {
    const facts = factsOf(step);
    const what = `${step.read} of GET ${step.path}`;
    const how = `must be ${comparisonText(step)}`;
    if (!facts) return [{ ...unchecked(step, what), how }];
    const value = shown(facts.value);
    return [
      {
        what,
        how,
        source: step.end === 'source' ? value : '',
        target: step.end === 'target' ? value : '',
        ...judged(step, 'as expected', 'not as expected'),
        details: [],
      },
    ];
  },
};

function judged(step: StepReport, right: string, wrong: string): Pick<Check, 'result' | 'words'> {
  return step.outcome.status === 'failed' ? { result: 'wrong', words: wrong } : { result: 'right', words: right };
}

/** Where nothing is known: what failed without an answer is wrong all the same. */
function unchecked({ outcome }: StepReport, what: string): Check {
  const failed = outcome.status === 'failed';
  return {
    what,
    source: '',
    target: '',
    result: failed ? 'wrong' : 'unchecked',
    words: failed ? 'failed' : outcome.status === 'stopped' ? 'stopped before it was known' : 'not checked',
    details: failed ? [outcome.failure.message] : [],
  };
}
