import type { Report, Verification } from '../index.ts';
import { compact } from './log.ts';

/** What CloudWatch is to count of an invocation, by name. */
export type Figures = Partial<Record<keyof typeof units, number>>;

const units = {
  Succeeded: 'Count',
  Failed: 'Count',
  DurationMs: 'Milliseconds',
  RemainingMs: 'Milliseconds',
  PeakMemoryBytes: 'Bytes',
  TablesCopied: 'Count',
  RowsCopied: 'Count',
  BytesCopied: 'Bytes',
  Differences: 'Count',
} as const;

export interface Measured {
  readonly function: string;
  /** The target's name; absent where no configuration could be read. */
  readonly target?: string | undefined;
  readonly figures: Figures;
  /** What the line tells beside them: no dimensions, for each of their values would be a metric of its own. */
  readonly properties: Readonly<Record<string, string | undefined>>;
}

/**
 * A line of the log of which CloudWatch makes metrics by itself (embedded metric format), in the namespace `restage`: by target and
 * function, and by function alone, where what fails before the target is known is counted too.
 */
export function metricsLine({ function: name, target, figures, properties }: Measured, now = Date.now()): string {
  const names = Object.keys(figures) as (keyof Figures)[]; // its keys are nothing else
  return compact({
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        {
          Namespace: 'restage',
          Dimensions: [...(target === undefined ? [] : [['target', 'function']]), ['function']],
          Metrics: names.map((one) => ({ Name: one, Unit: units[one] })),
        },
      ],
    },
    ...(target === undefined ? {} : { target }),
    function: name,
    ...figures,
    ...properties,
  });
}

/** What a refresh has copied of the database. */
export function copiedFigures({ figures, steps }: Pick<Report, 'figures' | 'steps'>): Figures {
  const bytes = steps.flatMap((step) =>
    step.kind === 'copy-table' && 'facts' in step.outcome ? (step.outcome.facts?.bytes ?? 0) : [],
  );
  return {
    TablesCopied: figures.tables.copied,
    RowsCopied: figures.tables.rows,
    BytesCopied: bytes.reduce((sum, one) => sum + one, 0),
  };
}

/** What a verification has found. */
export function differenceFigures({ differences }: Pick<Verification, 'differences'>): Figures {
  return { Differences: differences.length };
}
