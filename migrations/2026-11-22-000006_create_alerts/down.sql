DROP TABLE alert_metrics_cache, escalation_contacts, notifications, alert_history, alerts, alert_rules;
