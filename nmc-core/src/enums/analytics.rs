//! The value lists of figures and reports.

text_enums! {
    /// The time span one metric point stands for.
    AggregationLevel for ["analytics_metrics.aggregation_level"] {
        /// A single observation.
        Raw = "raw",
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
    }

    /// A call as the reports count it: its outcome, or `completed` where it has none.
    CallAnalyticsStatus for ["call_analytics.call_status"] {
        /// A person of the business talked to the caller.
        Answered = "answered",
        /// Nobody took the call.
        Missed = "missed",
        /// The call ended, and has no outcome.
        Completed = "completed",
        /// The call could not be connected.
        Failed = "failed",
        /// A machine took the call.
        Voicemail = "voicemail",
        /// The caller hung up while it rang.
        Abandoned = "abandoned",
        /// Spam, or the tenant's own number.
        Blocked = "blocked",
    }

    /// The result of a lead that called.
    ConversionStatus for ["call_analytics.conversion_status"] {
        /// The lead became a job.
        Converted = "converted",
        /// The lead may become a job.
        Qualified = "qualified",
        /// The lead went elsewhere.
        Lost = "lost",
        /// Not known yet.
        Pending = "pending",
    }

    /// How far an analytics job has come.
    JobStatus for ["analytics_processing_jobs.status"] {
        /// Waits for a worker.
        Pending = "pending",
        /// A worker has it.
        Processing = "processing",
        /// Done.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
    }

    /// The kind of analytics job.
    JobType for ["analytics_processing_jobs.job_type"] {
        /// Rolls points up.
        Aggregation = "aggregation",
        /// Computes KPIs.
        KpiCalculation = "kpi_calculation",
        /// Looks for trends.
        TrendAnalysis = "trend_analysis",
        /// Writes a report.
        ReportGeneration = "report_generation",
    }

    /// The period of a KPI snapshot.
    KpiPeriod for ["kpi_snapshots.period_type", "kpi_targets.period_type"] {
        /// An hour.
        Hourly = "hourly",
        /// A day.
        Daily = "daily",
        /// A week.
        Weekly = "weekly",
        /// A month.
        Monthly = "monthly",
    }

    /// The kind of thing that a metric measures.
    MetricType for ["analytics_metrics.metric_type"] {
        /// Calls.
        Call = "call",
        /// Conversations.
        Conversation = "conversation",
        /// Money.
        Revenue = "revenue",
        /// How well the business does.
        Performance = "performance",
    }

    /// The format of a report.
    ReportFormat for ["analytics_reports.format"] {
        /// JSON.
        Json = "json",
        /// Comma-separated values.
        Csv = "csv",
        /// PDF.
        Pdf = "pdf",
    }

    /// How often a report is made by itself.
    ReportInterval for ["report_schedules.kind"] {
        /// Every day, of the day before.
        Daily = "daily",
        /// On Monday, of the week before.
        Weekly = "weekly",
        /// On the 1st, of the month before.
        Monthly = "monthly",
    }

    /// What became of a mail that brings a report.
    ReportMailStatus for ["report_mails.status"] {
        /// It is still to be sent.
        Waiting = "waiting",
        /// The mail server has it.
        Sent = "sent",
        /// It was given up.
        Failed = "failed",
    }

    /// How a conversation ended, as the reports count it.
    ResolutionStatus for ["conversation_analytics.resolution_status"] {
        /// The matter is settled.
        Resolved = "resolved",
        /// The conversation was passed on to a person.
        Escalated = "escalated",
        /// The customer went silent.
        Abandoned = "abandoned",
        /// The conversation goes on.
        InProgress = "in_progress",
    }

    /// The direction in which a KPI is heading.
    TrendDirection for ["kpi_snapshots.trend_direction"] {
        /// Up.
        Up = "up",
        /// Down.
        Down = "down",
        /// Level.
        Stable = "stable",
        /// For the better.
        Improving = "improving",
        /// For the worse.
        Declining = "declining",
    }
}
