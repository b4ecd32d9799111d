export type { RestageEvent } from './event.ts';
export type { AllowedTo } from './network.ts';
export { RestageFunction } from './restage-function.ts';
export type { RestageFunctionProps } from './restage-function-props.ts';
export { RestageSchedule, type RestageScheduleProps } from './restage-schedule.ts';
export { RestageSourceRole, type RestageSourceRoleProps } from './restage-source-role.ts';
export { RestageTask, type RestageTaskProps } from './restage-task.ts';
export { mayCopyFrom, mayDecrypt } from './sharing.ts';
