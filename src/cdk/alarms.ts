import { aws_cloudwatch as cloudwatch, aws_cloudwatch_actions as actions, Duration } from 'aws-cdk-lib';
import type {
  aws_events as events,
  aws_lambda as lambda,
  aws_scheduler as scheduler,
  aws_sns as sns,
} from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Where the metrics are that a log carries in CloudWatch's embedded format. */
const ownMetrics = 'restage';

const counted = { statistic: cloudwatch.Stats.SUM, period: Duration.minutes(5) };

type Topic = sns.ITopic | undefined;

/** Rings when a refresh by a function, or by a task, failed and could still say so; to a topic, where there is one. */
export function failedAlarm(scope: Construct, name: string, topic: Topic): cloudwatch.Alarm {
  const metric = new cloudwatch.Metric({
    namespace: ownMetrics,
    metricName: 'Failed',
    dimensionsMap: { function: name },
    ...counted,
  });
  const description = `A refresh by ${name} failed or was refused. Its report says why.`;
  return alarm(scope, 'Failed', metric, { description, topic });
}

/** Rings when a rule has found what it waits for; to a topic, where there is one. */
export function triggeredAlarm(
  scope: Construct,
  rule: events.IRule,
  { name, log, topic }: { readonly name: string; readonly log: string; readonly topic: Topic },
): cloudwatch.Alarm {
  const metric = new cloudwatch.Metric({
    namespace: 'AWS/Events',
    metricName: 'TriggeredRules',
    dimensionsMap: { RuleName: rule.ruleName },
    ...counted,
  });
  const description = `A task of ${name} was killed, ran out of memory or never began. What ECS said of it is in the log ${log}; the next run says what the target holds.`;
  return alarm(scope, 'Killed', metric, { description, topic });
}

/**
 * Rings when a schedule of the group has asked and was not heard: what it runs is not there, or does not let it; to a topic, where
 * there is one. https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
 */
export function unheardAlarm(
  scope: Construct,
  group: scheduler.IScheduleGroup,
  { name, topic }: { readonly name: string; readonly topic: Topic },
): cloudwatch.Alarm {
  const description = `A schedule could not begin a refresh by ${name}: nothing has run. EventBridge Scheduler's role, or what it runs, has changed or gone.`;
  return alarm(scope, 'Unheard', group.metricDropped(counted), { description, topic });
}

/** Alarms of a function; to a topic, where there is one. */
export function alarmsOf(
  scope: Construct,
  made: lambda.Function,
  functionName: string,
  topic: Topic,
): readonly cloudwatch.Alarm[] {
  return [
    failedAlarm(scope, functionName, topic),
    alarm(scope, 'Errors', made.metricErrors(counted), {
      description: `${functionName} was killed or threw: out of time, out of memory. The next invocation says what the target holds.`,
      topic,
    }),
    // With one at a time the part that goes on waits for the one before it: what is refused for a quarter of an hour waits for more.
    alarm(scope, 'Throttles', made.metricThrottles(counted), {
      description: `Invocations of ${functionName} have waited for 15 minutes: another run goes on.`,
      evaluationPeriods: 3,
      topic,
    }),
    alarm(scope, 'Stopped', made.metric('RecursiveInvocationsDropped', counted), {
      description: `AWS has stopped ${functionName} after 16 parts of one run: it is paused. A task of Fargate has no such end.`,
      topic,
    }),
  ];
}

function alarm(
  scope: Construct,
  id: string,
  metric: cloudwatch.IMetric,
  rings: { readonly description: string; readonly evaluationPeriods?: number; readonly topic: Topic },
): cloudwatch.Alarm {
  const { description, evaluationPeriods = 1, topic } = rings;
  const made = new cloudwatch.Alarm(scope, id, {
    metric,
    alarmDescription: description,
    threshold: 1,
    evaluationPeriods,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  if (topic) made.addAlarmAction(new actions.SnsAction(topic));
  return made;
}
