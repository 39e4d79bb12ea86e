DROP TABLE analytics_reports, analytics_processing_jobs, kpi_snapshots, conversation_analytics, call_analytics, analytics_metrics;
