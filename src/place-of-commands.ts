import type { Plan } from './plan.ts';

/** What a command has to say besides that is to go the way that the plan's databases are reached: by the function, or from here. */
export function placeOfCommands({ onLambda }: Pick<Plan, 'onLambda'>): '' | ' --on lambda' {
  return onLambda ? ' --on lambda' : '';
}
