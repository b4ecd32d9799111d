import {
  Duration,
  TimeZone,
  aws_scheduler as scheduler,
  type aws_scheduler_targets as targets,
  type aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { readEvent, type RestageEvent } from './event.ts';
import type { RestageFunction } from './restage-function.ts';
import type { RestageTask } from './restage-task.ts';

export interface RestageScheduleProps {
  /** What is invoked: a function, or its task where a run takes longer. */
  readonly run: RestageFunction | RestageTask;
  /** Default: Sundays at 03:00, UTC. */
  readonly schedule?: scheduler.ScheduleExpression;
  /** Default: { action: 'sync' }, of the database. */
  readonly event?: RestageEvent;
  /** Where events go that could not be delivered. */
  readonly deadLetterQueue?: sqs.IQueue;
  /** Default: yes. */
  readonly enabled?: boolean;
}

/** A refresh at certain times, asked for once each time: what fails waits for a person, or for the next. */
export class RestageSchedule extends Construct {
  readonly schedule: scheduler.Schedule;

  constructor(scope: Construct, id: string, { run, schedule, event, deadLetterQueue, enabled }: RestageScheduleProps) {
    super(scope, id);
    const wanted = readEvent(event ?? { action: 'sync' }, this.node.path);
    const { action = 'sync' } = wanted;
    // Those are in the list of runs, with who has begun them.
    const asked: RestageEvent =
      action === 'sync' || action === 'rollback' ? { ...wanted, begunBy: 'schedule' } : wanted;
    const settings: targets.ScheduleTargetBaseProps = {
      retryAttempts: 0,
      maxEventAge: Duration.minutes(5),
      ...(deadLetterQueue ? { deadLetterQueue } : {}),
    };
    this.schedule = new scheduler.Schedule(this, 'Schedule', {
      schedule:
        schedule ??
        scheduler.ScheduleExpression.cron({ weekDay: 'SUN', hour: '3', minute: '0', timeZone: TimeZone.ETC_UTC }),
      description: `restage: ${action} by ${run.functionName}`,
      enabled: enabled ?? true,
      target: run.targetOf(asked, settings),
    });
  }
}
