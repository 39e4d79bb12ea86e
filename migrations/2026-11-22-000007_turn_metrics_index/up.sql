-- Points arrive in the order of time. A descending index takes each new one in the middle of its pages and splits them in
-- halves; an ascending one appends, and is read backwards as well as forwards.
DROP INDEX analytics_metrics_timestamp_idx;
CREATE INDEX analytics_metrics_timestamp_idx ON analytics_metrics (tenant_id, timestamp);
