DROP INDEX public.analytics_processing_jobs_bucket_open_key;
ALTER TABLE public.analytics_processing_jobs DROP COLUMN bucket, DROP COLUMN progress;
DROP TABLE public.report_schedules;
