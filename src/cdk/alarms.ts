import { aws_cloudwatch as cloudwatch, aws_cloudwatch_actions as actions, Duration } from 'aws-cdk-lib';
import type { aws_lambda as lambda, aws_sns as sns } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** The function's own metrics, which its log carries in CloudWatch's embedded format. */
const ownMetrics = 'restage';

/** Alarms of a function; to a topic, where there is one. */
export function alarmsOf(
  scope: Construct,
  made: lambda.Function,
  functionName: string,
  topic: sns.ITopic | undefined,
): readonly cloudwatch.Alarm[] {
  const statistic = cloudwatch.Stats.SUM;
  const period = Duration.minutes(5);
  const own = new cloudwatch.Metric({
    namespace: ownMetrics,
    metricName: 'Failed',
    dimensionsMap: { function: functionName },
    statistic,
    period,
  });
  const alarms = [
    alarm(scope, 'Failed', own, 1, `A refresh by ${functionName} failed or was refused. Its report says why.`),
    alarm(
      scope,
      'Errors',
      made.metricErrors({ statistic, period }),
      1,
      `${functionName} was killed or threw: out of time, out of memory. The next invocation says what the target holds.`,
    ),
    // With one at a time the part that goes on waits for the one before it: what is refused for a quarter of an hour waits for more.
    alarm(
      scope,
      'Throttles',
      made.metricThrottles({ statistic, period }),
      3,
      `Invocations of ${functionName} have waited for 15 minutes: another run goes on.`,
    ),
    alarm(
      scope,
      'Stopped',
      made.metric('RecursiveInvocationsDropped', { statistic, period }),
      1,
      `AWS has stopped ${functionName} after 16 parts of one run: it is paused. A task of Fargate has no such end.`,
    ),
  ];
  if (topic) for (const one of alarms) one.addAlarmAction(new actions.SnsAction(topic));
  return alarms;
}

function alarm(
  scope: Construct,
  id: string,
  metric: cloudwatch.IMetric,
  evaluationPeriods: number,
  alarmDescription: string,
): cloudwatch.Alarm {
  return new cloudwatch.Alarm(scope, id, {
    metric,
    alarmDescription,
    threshold: 1,
    evaluationPeriods,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
}
