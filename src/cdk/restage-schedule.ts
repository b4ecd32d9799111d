import {
  Duration,
  RemovalPolicy,
  TimeZone,
  aws_scheduler as scheduler,
  type aws_scheduler_targets as targets,
  type aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { unheardAlarm } from './alarms.ts';
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

/**
 * A refresh at certain times, asked for once each time: what fails waits for a person, or for the next. An alarm rings, to the topic of
 * what it runs, when nobody could be asked.
 */
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
    // A group of its own, as the metrics of schedules are counted by group.
    const group = new scheduler.ScheduleGroup(this, 'Group', { removalPolicy: RemovalPolicy.DESTROY });
    this.schedule = new scheduler.Schedule(this, 'Schedule', {
      scheduleGroup: group,
      schedule:
        schedule ??
        scheduler.ScheduleExpression.cron({ weekDay: 'SUN', hour: '3', minute: '0', timeZone: TimeZone.ETC_UTC }),
      description: `restage: ${action} by ${run.functionName}`,
      enabled: enabled ?? true,
      target: run.targetOf(asked, settings),
    });
    if (run.alarmsTo !== false) unheardAlarm(this, group, { name: run.functionName, topic: run.alarmsTo });
  }
}
