DROP INDEX analytics_metrics_timestamp_idx;
CREATE INDEX analytics_metrics_timestamp_idx ON analytics_metrics (tenant_id, timestamp DESC);
