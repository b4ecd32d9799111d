-- Production's waiting jobs are not to be run by staging's workers.
update analysis_jobs set status = 'cancelled' where status in ('pending', 'running');
update eval_runbook_jobs set status = 'cancelled' where status in ('pending', 'running');
