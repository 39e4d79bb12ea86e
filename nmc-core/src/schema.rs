// @generated automatically by Diesel CLI.

diesel::table! {
    /// One mail about an account. The waiting rows are the queue of a worker that sends them. The link that a mail holds stands nowhere: it is made of the row and the platform's keys.
    account_mails (tenant_id, id) {
        /// Key; the library supplies a UUIDv7. The mail's Message-ID is made of it.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Whose account it is about.
        user_id -> Uuid,
        /// invitation, password_reset, verification (of the e-mail address), address_changed (to the address before) or approved (the business, to its owner).
        #[max_length = 20]
        kind -> Varchar,
        /// The e-mail address of the account when it was queued; of address_changed the one before.
        #[max_length = 255]
        recipient -> Varchar,
        /// waiting (to be sent), sent or failed (given up).
        #[max_length = 20]
        status -> Varchar,
        /// Why the last attempt failed, or why it is not sent, in plain words.
        error_message -> Nullable<Text>,
        /// Attempts to send it.
        attempts -> Int4,
        /// Not sent before this instant; set while waiting.
        next_attempt_at -> Nullable<Timestamptz>,
        /// The claim of the worker that sends it now.
        lease_owner -> Nullable<Uuid>,
        /// From this instant on another worker may take it over; set with lease_owner.
        lease_expires_at -> Nullable<Timestamptz>,
        /// From this instant on its link is refused, and it is not sent.
        expires_at -> Timestamptz,
        /// When its link was used; NULL: not yet, or it is an invitation's.
        used_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// An alert that is passed on unless somebody sees to it: when, and to whom. The row goes once that is over.
    alert_escalations (tenant_id, alert_id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The alert.
        alert_id -> Uuid,
        /// The level it is passed on to next; 1 is the first.
        next_level -> Int4,
        /// How often it is passed on to the highest level once more.
        repeats_left -> Int4,
        /// The minutes from one level to the next, as the rule had them.
        delay_minutes -> Int4,
        /// When it is passed on next.
        due_at -> Timestamptz,
        /// Array of {level, type, value}: the contacts as they were when the alert was raised.
        contacts -> Jsonb,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// What happened to an alert, and who did it. Append-only.
    alert_history (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The alert.
        alert_id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent, notification_failed, flapping or escalation_ended.
        #[max_length = 50]
        event_type -> Varchar,
        /// The alert's status before; NULL when it did not change, or did not exist.
        #[max_length = 20]
        old_status -> Nullable<Varchar>,
        /// The alert's status after; NULL when it did not change.
        #[max_length = 20]
        new_status -> Nullable<Varchar>,
        /// The user who did it; NULL: the system.
        user_id -> Nullable<Uuid>,
        /// Object: whatever else the event has to say.
        details -> Nullable<Jsonb>,
        /// When the row was written.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Recent values of the metrics that rules watch; old rows may go.
    alert_metrics_cache (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Name of the metric, as rules give it.
        #[max_length = 100]
        metric_name -> Varchar,
        /// In the metric's unit, as exact as analytics_metrics.
        metric_value -> Numeric,
        /// The instant the value was measured.
        measurement_time -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// When the rules of a business are evaluated next. A trigger of alert_rules writes the first one.
    alert_rounds (tenant_id) {
        /// The tenant it belongs to; one row each, from its first rule on.
        tenant_id -> Uuid,
        /// Not evaluated before this instant.
        due_at -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// What an evaluation remembers of a rule until the next one.
    alert_rule_states (tenant_id, rule_id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The rule.
        rule_id -> Uuid,
        /// Whether its condition held at the last measurement.
        holds -> Bool,
        /// The first measurement since which that is so without a gap; NULL: nothing has been measured.
        holds_since -> Nullable<Timestamptz>,
        /// How often that has changed in a row, never calm in between.
        changes -> Int4,
        /// The last value that was judged.
        last_value -> Nullable<Numeric>,
        /// When it was measured: what was measured before it is not judged any more.
        last_measured_at -> Nullable<Timestamptz>,
        /// Since when the metric has counted as silent; NULL: it does not.
        no_data_since -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// When to raise an alert: a metric, a comparison and a threshold.
    alert_rules (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// What the rule is called; unique per metric.
        #[max_length = 255]
        name -> Varchar,
        /// What it is for.
        description -> Nullable<Text>,
        /// Name of the metric watched.
        #[max_length = 100]
        metric -> Varchar,
        /// How the metric compares with the threshold: greater_than, less_than, equals or not_equals.
        #[max_length = 20]
        operator -> Varchar,
        /// In the metric's unit, and as exact as the metric.
        threshold -> Numeric,
        /// low, medium, high or critical.
        #[max_length = 20]
        severity -> Varchar,
        /// Whether it is evaluated.
        is_enabled -> Bool,
        /// Any of email, sms, webhook and dashboard; empty: nobody is notified.
        notification_channels -> Array<Text>,
        /// Whether an alert nobody acknowledges is passed on.
        escalation_enabled -> Bool,
        /// Minutes it waits before each escalation.
        escalation_delay_minutes -> Int4,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// For how long the condition must hold, from one measurement to another, before an alert is raised; 0: one value suffices.
        pending_seconds -> Int4,
        /// What an open alert's metric must come back to; between the two thresholds it stays open. NULL: the condition must no longer hold.
        recovery_threshold -> Nullable<Numeric>,
        /// For how long the condition must not hold, from one measurement to another, before an open alert is over; 0: one value suffices.
        keep_firing_seconds -> Int4,
        /// What becomes of a rule whose metric is silent: keep (nothing), alert (one is raised) or ok (an open one is over).
        #[max_length = 10]
        no_data_policy -> Varchar,
        /// After how many seconds without a value the metric counts as silent.
        no_data_seconds -> Int4,
        /// After how many changes of the condition in a row, none of which lasted flap_seconds, an open alert stays open until one does. NULL: never.
        flap_changes -> Nullable<Int4>,
        /// How many seconds without a change are calm.
        flap_seconds -> Int4,
        /// How often an alert that has come to the highest level is passed on to it once more.
        escalation_repeats -> Int4,
        /// Whether alerts are raised in business hours only; one that is open may end at any time.
        only_when_open -> Bool,
        /// Last change of what is judged: metric, operator, threshold or a term. NULL: none since it was created.
        judgement_changed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// One time a rule's condition held, until it is resolved. A rule has at most one open alert.
    alerts (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The rule that raised it.
        rule_id -> Uuid,
        /// The rule's name at that time, as are metric, threshold, operator and severity.
        #[max_length = 255]
        rule_name -> Varchar,
        /// The rule's metric at that time.
        #[max_length = 100]
        metric -> Varchar,
        /// The value that met the condition.
        metric_value -> Numeric,
        /// The rule's threshold at that time.
        threshold -> Numeric,
        /// The rule's operator at that time.
        #[max_length = 20]
        operator -> Varchar,
        /// The rule's severity at that time.
        #[max_length = 20]
        severity -> Varchar,
        /// triggered, acknowledged, escalated, snoozed (all open) or resolved.
        #[max_length = 20]
        status -> Varchar,
        /// What a person is told.
        message -> Text,
        /// Whether at least one notification was delivered.
        notification_sent -> Bool,
        /// When somebody took note of it.
        acknowledged_at -> Nullable<Timestamptz>,
        /// The user who took note of it.
        acknowledged_by -> Nullable<Uuid>,
        /// What they said to it.
        acknowledgment_note -> Nullable<Text>,
        /// Time of the last escalation.
        escalated_at -> Nullable<Timestamptz>,
        /// How often it was passed on; 0: not yet.
        escalation_level -> Int4,
        /// When it was resolved.
        resolved_at -> Nullable<Timestamptz>,
        /// The user who resolved it; NULL when auto_resolved.
        resolved_by -> Nullable<Uuid>,
        /// What was done about it.
        resolution_note -> Nullable<Text>,
        /// Whether it resolved itself, the condition no longer holding.
        auto_resolved -> Bool,
        /// When it was put off.
        snoozed_at -> Nullable<Timestamptz>,
        /// The user who put it off.
        snoozed_by -> Nullable<Uuid>,
        /// When it wakes; set while snoozed.
        snoozed_until -> Nullable<Timestamptz>,
        /// Why it was put off.
        snooze_note -> Nullable<Text>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// Whether it was raised to try out who is told: nothing was measured, and its value says nothing.
        is_test -> Bool,
    }
}

diesel::table! {
    /// A quarter of an hour whose figures are to be computed again. Triggers write a new one for each change, as two changes must not wait for each other; the job deletes those that it has read before it read the rows.
    analytics_marks (tenant_id, id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Key.
        id -> Uuid,
        /// The beginning of the quarter of an hour, which no hour of any zone cuts.
        marked_at -> Timestamptz,
        /// A conversation: its own instant is to be computed again, and those of its calls. It may be gone.
        subject_id -> Nullable<Uuid>,
        /// When the row was written.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// One measured value at one instant. One row per type, name, instant and level: dimensions describe the value and do not tell rows apart.
    analytics_metrics (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// call, conversation, revenue or performance.
        #[max_length = 100]
        metric_type -> Varchar,
        /// Which value it is, within its type.
        #[max_length = 100]
        metric_name -> Varchar,
        /// The value; its unit goes with metric_name.
        metric_value -> Numeric,
        /// Object: dimension ⇒ value.
        dimensions -> Jsonb,
        /// raw, or the period it sums up: hourly, daily, weekly or monthly.
        #[max_length = 20]
        aggregation_level -> Varchar,
        /// The instant the value belongs to.
        timestamp -> Timestamptz,
        /// Start of the period summed up; NULL for raw values.
        period_start -> Nullable<Timestamptz>,
        /// End of the period summed up; NULL for raw values.
        period_end -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Queue of computations that are too long for a request.
    analytics_processing_jobs (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// aggregation, kpi_calculation, trend_analysis or report_generation.
        #[max_length = 50]
        job_type -> Varchar,
        /// pending, processing, completed or failed (for good).
        #[max_length = 20]
        status -> Varchar,
        /// Object: what the job type asks for, such as the period.
        parameters -> Jsonb,
        /// What came out; its shape goes with the job type.
        result -> Nullable<Jsonb>,
        /// What went wrong the last time.
        error_message -> Nullable<Text>,
        /// Times a worker has started it.
        attempts -> Int4,
        /// After so many it is failed.
        max_attempts -> Int4,
        /// Not started before this instant.
        next_attempt_at -> Timestamptz,
        /// The worker on it right now; only while processing.
        lease_owner -> Nullable<Uuid>,
        /// From this instant on another worker may take it over; set with lease_owner.
        lease_expires_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// When it was completed.
        completed_at -> Nullable<Timestamptz>,
        /// What the job computes, such as a period: no other job of its type that is open has the same; NULL: any number may.
        #[max_length = 100]
        bucket -> Nullable<Varchar>,
        /// How far it is, in percent.
        progress -> Int2,
    }
}

diesel::table! {
    /// A finished report, kept until it expires.
    analytics_reports (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Which report it is, an open list.
        #[max_length = 100]
        report_type -> Varchar,
        /// Start of the period reported on.
        period_start -> Timestamptz,
        /// End of the period reported on.
        period_end -> Timestamptz,
        /// The content, section by section.
        sections -> Jsonb,
        /// json, csv or pdf: what it was asked for as.
        #[max_length = 20]
        format -> Varchar,
        /// When the content was computed.
        generated_at -> Timestamptz,
        /// May be deleted from this instant on; NULL: kept.
        expires_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Where the figures of a business have come to, and what they were computed by.
    analytics_roll_ups (tenant_id) {
        /// The tenant it belongs to; one row each, from the first computation on.
        tenant_id -> Uuid,
        /// The zone that the figures were computed in.
        #[max_length = 50]
        timezone -> Varchar,
        /// The opening time that they were computed with.
        business_hours_start -> Time,
        /// The closing time that they were computed with.
        business_hours_end -> Time,
        /// The version of the formulas.
        formula -> Int4,
        /// The instant of the last computation: what was committed before it and marked is in the figures.
        rolled_up_at -> Timestamptz,
        /// All that lies before this instant is still to be computed anew, the latest first; NULL: nothing.
        rebuild_before -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// A key with which another program acts for a tenant. The secret is shown once and never stored.
    api_keys (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// What the key is for, in the words of whoever made it.
        #[max_length = 100]
        name -> Varchar,
        /// The public start of the key: finds the row, and tells keys apart in lists and logs.
        #[max_length = 16]
        prefix -> Varchar,
        /// SHA-256 of the secret, 32 bytes.
        secret_hash -> Bytea,
        /// What the key may do; empty: nothing.
        scopes -> Array<Text>,
        /// The user it goes back to: it does no more than they may, and ends with their account. NULL: nobody, on an operator's word.
        created_by -> Nullable<Uuid>,
        /// Refused from this instant on; NULL: does not expire.
        expires_at -> Nullable<Timestamptz>,
        /// Last request made with it, as recorded by the library, not by trigger.
        last_used_at -> Nullable<Timestamptz>,
        /// Refused since; NULL while in force.
        revoked_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// How missed calls are answered for a tenant; one row each.
    business_settings (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Text sent after a missed call, 10 to 500 characters; {{business_name}}, which must occur, {{hours}} and {{next_opening}} are filled.
        greeting_template -> Text,
        /// Hours after a greeting in which the same person gets no other, 1 to 720.
        greeting_cooldown_hours -> Int4,
        /// Seconds a customer waits for a person before the AI answers, 60 to 1800.
        ai_takeover_delay_seconds -> Int4,
        /// Lowest price quoted unasked, in whole US dollars, 25 to 10000.
        basic_job_estimate_min -> Int4,
        /// Highest price quoted unasked, in whole US dollars, 25 to 10000; above the lowest.
        basic_job_estimate_max -> Int4,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// When somebody last approved of greeting_template as it is; NULL once the template has changed.
        greeting_reviewed_at -> Nullable<Timestamptz>,
        /// How a forwarded call proves that a person took it, and not a voicemail: key_press (the leg is asked to press a key before it is connected), machine_detection (the provider listens) or none.
        #[max_length = 20]
        call_screening -> Varchar,
        /// Days without any event after which an open conversation is resolved, 0 to 365; 0: never.
        auto_resolve_days -> Int4,
        /// ISO 3166 codes of the countries that automatic texts may go to; empty: the country of the number that was called.
        allowed_countries -> Array<Text>,
        /// Automatic texts sent in 24 hours at most, 0 to 100000.
        daily_text_limit -> Int4,
        /// Automatic texts to one person in 24 hours at most, 0 to 100.
        daily_person_limit -> Int4,
        /// Local time in the person's zone from which automatic texts may go out that do not answer a call just missed.
        texting_starts_at -> Time,
        /// Local time in the person's zone from which those texts wait; after the start.
        texting_ends_at -> Time,
        /// Whether the answer to a call that was missed just now may go out at any hour; false: those hours hold for it, too.
        greeting_at_any_hour -> Bool,
    }
}

diesel::table! {
    /// A call as the reports see it; one row per call, recomputed in place.
    call_analytics (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The call; NULL for figures brought in from elsewhere.
        call_id -> Nullable<Uuid>,
        /// The call's conversation.
        conversation_id -> Nullable<Uuid>,
        /// The customer's number, when it has one.
        #[max_length = 20]
        phone_number -> Nullable<Varchar>,
        /// The call's call_type when it was computed.
        #[max_length = 50]
        call_type -> Nullable<Varchar>,
        /// The call's outcome, or completed for a call that has none.
        #[max_length = 50]
        call_status -> Nullable<Varchar>,
        /// Length in seconds.
        call_duration -> Nullable<Int4>,
        /// How often the AI took over.
        ai_takeover_count -> Int4,
        /// Rating, 1 to 5.
        customer_satisfaction -> Nullable<Numeric>,
        /// converted, qualified, lost or pending.
        #[max_length = 50]
        conversion_status -> Nullable<Varchar>,
        /// Revenue ascribed to the call, in US dollars; a refund is negative.
        revenue_impact -> Nullable<Numeric>,
        /// What the call cost, in US dollars.
        cost_per_call -> Nullable<Numeric>,
        /// Labels, as one text.
        tags -> Nullable<Text>,
        /// Object: anything else the computation found.
        metadata -> Jsonb,
        /// When the call began.
        call_date -> Timestamptz,
        /// When the row was last computed.
        processed_at -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Facts about a call that have no column: one value per key.
    call_metadata (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The call.
        call_id -> Uuid,
        /// Name of the fact; once per call.
        #[max_length = 100]
        metadata_key -> Varchar,
        /// The value as text, to be read as metadata_type says.
        metadata_value -> Text,
        /// string, number, boolean or json.
        #[max_length = 20]
        metadata_type -> Varchar,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One party's presence in a call; a party that leaves and comes back has two rows.
    call_participants (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The call.
        call_id -> Uuid,
        /// Number or address of the party, as in calls.caller_phone.
        #[max_length = 255]
        phone_number -> Varchar,
        /// caller, callee, agent or ai-assistant.
        #[max_length = 20]
        participant_type -> Varchar,
        /// When the party came in.
        joined_at -> Timestamptz,
        /// NULL while still in the call.
        left_at -> Nullable<Timestamptz>,
        /// Whether the party cannot be heard.
        muted -> Bool,
        /// Whether the party is parked.
        on_hold -> Bool,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One phone call, in or out. Webhooks arrive late, twice and out of order; twilio_call_sid tells them apart.
    calls (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation it belongs to; NULL when nobody could be told, as with an anonymous caller.
        conversation_id -> Nullable<Uuid>,
        /// Who called, as the provider says: E.164, anonymous, a SIP or client address, or a short code.
        #[max_length = 255]
        caller_phone -> Varchar,
        /// The number called.
        #[max_length = 255]
        called_phone -> Varchar,
        /// inbound or outbound.
        #[max_length = 10]
        call_direction -> Varchar,
        /// initiated, ringing, in-progress, then one that stays: completed, busy, no-answer, failed or canceled. Never moves back.
        #[max_length = 20]
        call_status -> Varchar,
        /// voice, conference or forwarded.
        #[max_length = 20]
        call_type -> Varchar,
        /// What came of it: answered, missed, voicemail, abandoned, blocked or failed. NULL until it ends; carrier voicemail also reports completed, so call_status does not say.
        #[max_length = 20]
        outcome -> Nullable<Varchar>,
        /// How the leg to the owner's own phone ended: completed, answered, busy, no-answer, failed or canceled. NULL: no leg reported.
        #[max_length = 20]
        forwarded_leg_status -> Nullable<Varchar>,
        /// Length in seconds, once it ended.
        duration_seconds -> Nullable<Int4>,
        /// When it began to ring.
        started_at -> Nullable<Timestamptz>,
        /// When it ended; not before started_at.
        ended_at -> Nullable<Timestamptz>,
        /// Where the provider keeps the recording.
        recording_url -> Nullable<Text>,
        /// Length of the recording in seconds.
        recording_duration_seconds -> Nullable<Int4>,
        /// The provider's id of the call.
        #[max_length = 100]
        twilio_call_sid -> Nullable<Varchar>,
        /// Name from caller-id look-up.
        #[max_length = 255]
        caller_name -> Nullable<Varchar>,
        /// City of the caller's number.
        #[max_length = 100]
        caller_city -> Nullable<Varchar>,
        /// State or province of the caller's number.
        #[max_length = 50]
        caller_state -> Nullable<Varchar>,
        /// ISO 3166 code; NULL when unknown, as with an anonymous caller.
        #[max_length = 3]
        caller_country -> Nullable<Varchar>,
        /// Why it ended, when the provider says.
        #[max_length = 100]
        disconnect_reason -> Nullable<Varchar>,
        /// What the provider charged, in price_unit. The provider reports a negative number; here it is positive.
        price -> Nullable<Numeric>,
        /// ISO 4217 code.
        #[max_length = 10]
        price_unit -> Varchar,
        /// What the provider thinks answered: human, machine_start, fax, unknown, ….
        #[max_length = 100]
        answered_by -> Nullable<Varchar>,
        /// The number that forwarded the call here, when the carrier says.
        #[max_length = 20]
        forwarded_from -> Nullable<Varchar>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// Whether the caller was connected with the forwarded leg; false is no answer, whatever the leg's status. NULL: not told.
        forwarded_leg_bridged -> Nullable<Bool>,
        /// The provider's error of the forwarded leg, such as 13224: the number it was forwarded to is invalid. NULL: none.
        error_code -> Nullable<Int4>,
        /// The carriers' verdict on the caller ID (STIR/SHAKEN), such as TN-Validation-Passed-A. One that failed is possible spam.
        #[max_length = 50]
        stir_verstat -> Nullable<Varchar>,
    }
}

diesel::table! {
    /// How far the provider's own lists of texts and calls have been read for a tenant: what came before is recorded here, even if no webhook told of it. One row for each provider, from the first reading on.
    catch_up_marks (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Whose lists, such as twilio.
        #[max_length = 20]
        provider -> Varchar,
        /// Texts that the provider got before this instant have been read.
        messages_until -> Timestamptz,
        /// Calls that the provider got before this instant have been read.
        calls_until -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Figures of streams of events. Written only where an operator has switched it on; kept for 30 days.
    connection_metrics (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// What was measured.
        #[max_length = 50]
        metric_name -> Varchar,
        /// Streams that are open at one server, each minute; the seconds that one was open; the events that one was sent.
        metric_value -> Int4,
        /// When it was measured.
        measurement_time -> Timestamptz,
    }
}

diesel::table! {
    /// Ledger of who may be texted. Append-only: the last entry for a person holds, on every number of the tenant; no entry means yes.
    consents (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// E.164, with the plus sign.
        #[max_length = 20]
        customer_phone -> Varchar,
        /// opt_out or opt_in.
        #[max_length = 10]
        action -> Varchar,
        /// How we know: keyword (the customer wrote it), staff (recorded by hand) or provider (it refused to deliver).
        #[max_length = 20]
        source -> Varchar,
        /// The word the customer wrote, such as STOP.
        #[max_length = 20]
        keyword -> Nullable<Varchar>,
        /// The message that said so, if any and still on record.
        message_id -> Nullable<Uuid>,
        /// The user who recorded it by hand.
        recorded_by -> Nullable<Uuid>,
        /// The staff's own words on why.
        note -> Nullable<Text>,
        /// Order of the ledger: the clocks of several machines would not agree on one.
        sequence -> Int8,
        /// When the row was written.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// A conversation as the reports see it; one row per conversation, recomputed in place.
    conversation_analytics (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation; one row each.
        conversation_id -> Uuid,
        /// The call that opened the conversation, if one did.
        call_id -> Nullable<Uuid>,
        /// All messages, in both directions.
        message_count -> Int4,
        /// Messages the AI wrote.
        ai_message_count -> Int4,
        /// Messages a person wrote.
        human_message_count -> Int4,
        /// From beginning to end, in seconds.
        conversation_duration -> Nullable<Int4>,
        /// The customer's mood, −1 (bad) to 1 (good).
        sentiment_score -> Nullable<Numeric>,
        /// Object: intent ⇒ how sure, 0 to 1.
        intent_detection -> Jsonb,
        /// resolved, escalated, abandoned or in_progress.
        #[max_length = 50]
        resolution_status -> Nullable<Varchar>,
        /// How often it was passed on to a person.
        escalation_count -> Int4,
        /// Rating, 1 to 5.
        satisfaction_rating -> Nullable<Numeric>,
        /// When the conversation began.
        conversation_date -> Timestamptz,
        /// When the row was last computed.
        processed_at -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// What happened in a conversation, and who did it. Append-only.
    conversation_events (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation.
        conversation_id -> Uuid,
        /// The call it is about, if any and still on record.
        call_id -> Nullable<Uuid>,
        /// What happened; decides the shape of event_data.
        #[max_length = 50]
        event_type -> Varchar,
        /// Object: the details, such as the status before and after.
        event_data -> Jsonb,
        /// The user who did it; NULL: the system, or the customer.
        created_by -> Nullable<Uuid>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// The id that a client gave a note, so that it is added once; NULL for all others.
        #[max_length = 100]
        client_key -> Nullable<Varchar>,
    }
}

diesel::table! {
    /// How far a user has read a conversation.
    conversation_reads (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Who has read it.
        user_id -> Uuid,
        /// The conversation.
        conversation_id -> Uuid,
        /// The last change of the conversation that they have seen: what the customer did later is unread.
        read_at -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// The tags of each conversation once more, a row each. Triggers of conversations keep it.
    conversation_tags (tenant_id, id) {
        /// Key.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation.
        conversation_id -> Uuid,
        /// One of its tags.
        tag -> Text,
        /// The instant at which the conversation was opened.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// The words of the customer's name of each conversation, and of the names that the network showed in its calls, a row each. Triggers of both keep it.
    conversation_terms (tenant_id, term, created_at, conversation_id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// A word, as nmc_words writes it.
        term -> Text,
        /// The instant at which the conversation was opened.
        created_at -> Timestamptz,
        /// The conversation.
        conversation_id -> Uuid,
    }
}

diesel::table! {
    /// All calls and messages with one customer about one matter. A customer has at most one open (active or waiting) conversation with a tenant.
    conversations (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The person: E.164 in the one spelling that stands for all of theirs (+52, not +521), a short code, or the name of a sender.
        #[max_length = 255]
        customer_phone -> Varchar,
        /// active, waiting (both open), resolved or closed.
        #[max_length = 20]
        status -> Varchar,
        /// What it is about.
        subject -> Nullable<Text>,
        /// low, normal, high or urgent.
        #[max_length = 10]
        priority -> Varchar,
        /// How it began: phone, sms, email or web.
        #[max_length = 10]
        channel -> Varchar,
        /// The user who looks after it; NULL: nobody yet.
        assigned_to -> Nullable<Uuid>,
        /// The call that opened it; NULL when a message did.
        first_call_id -> Nullable<Uuid>,
        /// The latest call in it.
        last_call_id -> Nullable<Uuid>,
        /// Number of calls in it.
        total_calls -> Int4,
        /// Length of all its calls together, in seconds.
        total_duration_seconds -> Int4,
        /// The customer's name, once known.
        #[max_length = 255]
        customer_name -> Nullable<Varchar>,
        /// The customer's e-mail address, once known.
        #[max_length = 255]
        customer_email -> Nullable<Varchar>,
        /// The customer's postal address, once known.
        customer_address -> Nullable<Text>,
        /// The staff's own notes; not shown to the customer.
        notes -> Nullable<Text>,
        /// Free labels; no element is NULL.
        tags -> Array<Text>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// When it stopped being open; NULL while it is.
        closed_at -> Nullable<Timestamptz>,
        /// When a text came that may be an opt-out; until staff have decided, the person gets no automatic text. NULL: nothing to decide.
        review_requested_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// A call or text that was deleted for good: whoever hears of it late, or reads it in the provider's lists, does not record it again. Kept for as long as those lists are read back, and a day.
    erased_sids (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The provider's id of the call or text, which tells nothing of the customer.
        #[max_length = 100]
        sid -> Varchar,
        /// When it was deleted.
        created_at -> Timestamptz,
        /// When it was sent, if it was an automatic text: it counts for what may be sent in a day all the same. NULL for all else.
        texted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Who hears of an alert once it has been passed on often enough.
    escalation_contacts (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The rule it is for; NULL: all rules of the tenant.
        rule_id -> Nullable<Uuid>,
        /// Hears from this escalation on; 1 is the first.
        escalation_level -> Int4,
        /// user, email, phone or webhook.
        #[max_length = 20]
        contact_type -> Varchar,
        /// User id, e-mail address, phone number or URL, as contact_type says.
        #[max_length = 255]
        contact_value -> Varchar,
        /// Whether it is used.
        is_active -> Bool,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Of a webhook: which of its secrets signs. All contacts of a tenant with one URL have the same; the highest counts. A URL that is new, or was removed before, begins with the seconds since 2026; 1 was the first of all before that.
        secret_version -> Int4,
        /// When that secret took the place of the one before, which signs beside it for 24 hours; NULL: there was none before.
        secret_rotated_at -> Nullable<Timestamptz>,
        /// Of a webhook: when it was put out of use because nothing arrived there any more, or its receiver said that it is gone; NULL: it was not, or is in use again.
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// A day on which a business is closed, from its first instant to its last. What opens by the hours on that day does not open, not even past midnight. 366 a business at the most.
    holidays (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The day of the business's own calendar: in its zone, whatever that is at the time.
        day -> Date,
        /// What the business calls it, like Christmas Day.
        #[max_length = 100]
        name -> Varchar,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// A key figure beside its target, at the end of one period.
    kpi_snapshots (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Which figure it is.
        #[max_length = 100]
        kpi_name -> Varchar,
        /// The value; its unit goes with kpi_name.
        kpi_value -> Numeric,
        /// What it should have been, in the same unit; NULL: no target.
        kpi_target -> Nullable<Numeric>,
        /// How far the value lies above (+) or below (−) the target, in percent of it; NULL without a target or with a target of 0.
        variance_percentage -> Nullable<Numeric>,
        /// up, down, stable, improving or declining, against the snapshot before.
        #[max_length = 20]
        trend_direction -> Nullable<Varchar>,
        /// hourly, daily, weekly or monthly.
        #[max_length = 20]
        period_type -> Varchar,
        /// The instant the snapshot stands for.
        snapshot_date -> Timestamptz,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Start of the period; NULL for a snapshot that was brought in from elsewhere, as are the next three.
        period_start -> Nullable<Timestamptz>,
        /// The zone whose day, week or month it is.
        #[max_length = 50]
        timezone -> Nullable<Varchar>,
        /// The version of the formulas.
        formula -> Nullable<Int4>,
        /// When it was computed: later changes are not in it.
        computed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// What a key figure should come to; snapshots that are computed from then on are compared with it.
    kpi_targets (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Which figure it is.
        #[max_length = 100]
        kpi_name -> Varchar,
        /// The period of the snapshots: daily, weekly or monthly; hourly is kept for later.
        #[max_length = 20]
        period_type -> Varchar,
        /// The target, in the unit of the figure.
        kpi_target -> Numeric,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One picture, sound or document of a text. The waiting rows are the queue of a worker that fetches the bytes from the provider.
    message_media (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The text it came with.
        message_id -> Uuid,
        /// Its place among the media of the text, from 0.
        position -> Int2,
        /// Where the provider keeps it; only the provider's account may fetch it.
        media_url -> Text,
        /// Media type: as the provider says; once kept, as its first bytes say. NULL when nobody knows.
        #[max_length = 100]
        content_type -> Nullable<Varchar>,
        /// Its size; NULL until it is kept.
        size_bytes -> Nullable<Int4>,
        /// SHA-256 of its bytes in hexadecimal, which names its file; NULL until it is kept.
        #[max_length = 64]
        content_hash -> Nullable<Varchar>,
        /// waiting (to be fetched), kept (its bytes are in the uploads) or unavailable (gone, too large, or of a kind that is not kept).
        #[max_length = 20]
        status -> Varchar,
        /// Why the last attempt to fetch it failed, in plain words.
        error_message -> Nullable<Text>,
        /// Attempts to fetch it.
        attempts -> Int4,
        /// Not fetched before this instant; set while waiting.
        next_attempt_at -> Nullable<Timestamptz>,
        /// The claim of the worker that fetches it now.
        lease_owner -> Nullable<Uuid>,
        /// From this instant on another worker may take it over; set with lease_owner.
        lease_expires_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// The words of each text, greetings left out, a row each. Triggers of messages keep it; search reads its key alone, newest first.
    message_terms (tenant_id, term, created_at, message_id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// A word, as nmc_words writes it.
        term -> Text,
        /// The instant of the text.
        created_at -> Timestamptz,
        /// The text.
        message_id -> Uuid,
    }
}

diesel::table! {
    /// One text message of a conversation. The queued outbound rows are the outbox a worker sends from.
    messages (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation.
        conversation_id -> Uuid,
        /// The call it answers, if any and still on record.
        call_id -> Nullable<Uuid>,
        /// The provider's id; NULL until the provider has accepted it.
        #[max_length = 100]
        message_sid -> Nullable<Varchar>,
        /// The text; outbound 1 to 1600 characters.
        message_body -> Text,
        /// inbound or outbound.
        #[max_length = 20]
        message_direction -> Varchar,
        /// greeting (after a missed call; one living greeting per call), keyword_reply (to HELP) or message.
        #[max_length = 20]
        message_kind -> Varchar,
        /// Sender: E.164, or a short code.
        #[max_length = 255]
        from_number -> Varchar,
        /// Receiver: E.164, or a short code.
        #[max_length = 255]
        to_number -> Varchar,
        /// The provider's list. Outbound: queued (here, not handed over yet), scheduled, accepted, sending, sent, delivered, undelivered, failed, canceled, read, partially_delivered. Inbound: receiving, received.
        #[max_length = 50]
        message_status -> Varchar,
        /// The provider's last word on delivery, verbatim.
        #[max_length = 50]
        delivery_status -> Nullable<Varchar>,
        /// The provider's error number.
        error_code -> Nullable<Int4>,
        /// The provider's error text.
        error_message -> Nullable<Text>,
        /// Whether the AI has read it.
        ai_processed -> Bool,
        /// Whether the AI wrote it.
        ai_generated -> Bool,
        /// How sure the AI was, 0 to 1.
        ai_confidence -> Nullable<Numeric>,
        /// What the AI thinks the customer wants.
        #[max_length = 100]
        intent_classification -> Nullable<Varchar>,
        /// The user who wrote it; NULL: the customer, the system or the AI.
        created_by -> Nullable<Uuid>,
        /// Times a worker has tried to hand it over.
        attempts -> Int4,
        /// Not tried before this instant; set while queued.
        next_attempt_at -> Nullable<Timestamptz>,
        /// The claim of the worker that sends it, or that has sent it without hearing what came of it; only while queued.
        lease_owner -> Nullable<Uuid>,
        /// Until this instant it may be on its way to the provider; from then on it is in doubt, and looked up at next_attempt_at.
        lease_expires_at -> Nullable<Timestamptz>,
        /// When the provider accepted it; NULL while queued.
        sent_at -> Nullable<Timestamptz>,
        /// When the provider reported it delivered.
        delivered_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// How it travelled: sms (pictures included), rcs or whatsapp.
        #[max_length = 10]
        channel -> Varchar,
        /// What the provider charged, in price_unit; NULL while that is not known.
        price -> Nullable<Numeric>,
        /// ISO 4217 code.
        #[max_length = 10]
        price_unit -> Varchar,
        /// The id that a client gave a text of staff, so that it is sent once; NULL for all others.
        #[max_length = 100]
        client_key -> Nullable<Varchar>,
        /// When it was first due, of one that a worker has tried since; NULL: next_attempt_at says it. A text that is made to wait for the morning, or for staff, begins anew.
        due_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// One alert to be told to one recipient: a queue, and the record of what was delivered.
    notifications (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The alert.
        alert_id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// email, sms, webhook or dashboard.
        #[max_length = 20]
        channel -> Varchar,
        /// E-mail address, phone number, webhook URL or user id, as the channel has it.
        #[max_length = 255]
        recipient -> Varchar,
        /// pending, retrying (both still to be delivered), delivered or failed (for good).
        #[max_length = 20]
        status -> Varchar,
        /// Times a worker has tried to deliver it.
        attempts -> Int4,
        /// After so many it is failed.
        max_attempts -> Int4,
        /// Not tried before this instant.
        next_attempt_at -> Timestamptz,
        /// The worker delivering it right now; only while pending or retrying.
        lease_owner -> Nullable<Uuid>,
        /// From this instant on another worker may take it over; set with lease_owner.
        lease_expires_at -> Nullable<Timestamptz>,
        /// When it was delivered.
        delivered_at -> Nullable<Timestamptz>,
        /// When it was given up.
        failed_at -> Nullable<Timestamptz>,
        /// What went wrong the last time.
        error_message -> Nullable<Text>,
        /// HTTP status the webhook answered with.
        webhook_response_code -> Nullable<Int4>,
        /// What the webhook answered, cut short by the library.
        webhook_response_body -> Nullable<Text>,
        /// Name of the template message_content was made from.
        #[max_length = 100]
        template_used -> Nullable<Varchar>,
        /// The text delivered.
        message_content -> Nullable<Text>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// When its recipient acted on the alert by one of the links that it held; NULL: not yet, or otherwise.
        answered_at -> Nullable<Timestamptz>,
        /// The digest that told of it together with others: the id of the notification that it was begun with, which may be gone; NULL: told by itself.
        digest_id -> Nullable<Uuid>,
        /// SHA-256 of the token of the link in its text, in hexadecimal digits; NULL: its text holds none, or it is no text.
        #[max_length = 64]
        link_hash -> Nullable<Varchar>,
    }
}

diesel::table! {
    /// When a number of a tenant may send its next text: providers take about one text a second from it, and refuse those of one that is not registered. A number that has never sent has no row.
    number_pacing (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The sending number, E.164 with the plus sign.
        #[max_length = 20]
        phone_number -> Varchar,
        /// From this instant on it may send again.
        free_at -> Timestamptz,
        /// Its texts wait until this instant, for the reason in hold_reason. NULL: they do not.
        held_until -> Nullable<Timestamptz>,
        /// Why its texts wait, in plain words.
        hold_reason -> Nullable<Text>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// A number a tenant holds, or held, with the provider. At most one row that is not released has a given number: that row says whose call it is.
    phone_numbers (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// E.164, with the plus sign.
        #[max_length = 20]
        phone_number -> Varchar,
        /// The provider's id of the number; NULL until it is bought.
        #[max_length = 100]
        twilio_phone_sid -> Nullable<Varchar>,
        /// provisioning (the intent, committed before anything is bought), active (bought, so it has a twilio_phone_sid), inactive, error or released.
        #[max_length = 20]
        status -> Varchar,
        /// Why the status is error, or why the last attempt to buy or to release it came to nothing, in plain words.
        status_reason -> Nullable<Text>,
        /// Object: capability ⇒ boolean, such as voice and sms.
        capabilities -> Jsonb,
        /// Object: event ⇒ URL the provider calls.
        webhook_urls -> Jsonb,
        /// Area code within the country.
        #[max_length = 5]
        area_code -> Nullable<Varchar>,
        /// City.
        #[max_length = 100]
        locality -> Nullable<Varchar>,
        /// State or province.
        #[max_length = 50]
        region -> Nullable<Varchar>,
        /// ISO 3166 code.
        #[max_length = 3]
        country -> Varchar,
        /// local, toll-free or mobile.
        #[max_length = 20]
        number_type -> Varchar,
        /// When it was bought.
        provisioned_at -> Nullable<Timestamptz>,
        /// When it was given back.
        released_at -> Nullable<Timestamptz>,
        /// Monthly rent, in hundredths of currency.
        monthly_cost_cents -> Int4,
        /// Price of buying it once, in hundredths of currency.
        setup_cost_cents -> Int4,
        /// ISO 4217 code.
        #[max_length = 3]
        currency -> Varchar,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// When somebody asked to give it back, committed before the provider is asked; with a status that is not released yet it is being released. NULL: nobody did.
        release_requested_at -> Nullable<Timestamptz>,
        /// Attempts at what the provider has been asked to do last, the current one included.
        attempts -> Int4,
        /// When the provider is to be asked next: to buy it, to take it back, or whether it still has it. NULL: there is nothing to ask.
        next_attempt_at -> Nullable<Timestamptz>,
        /// The claim of whoever is asking the provider now; NULL when nobody is.
        lease_owner -> Nullable<Uuid>,
        /// From then on somebody else may take over; NULL without a claim.
        lease_expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// One mail that brings a report to a user. The waiting rows are the queue of a worker that sends them; they go with their report.
    report_mails (tenant_id, id) {
        /// Key; the library supplies a UUIDv7. The mail's Message-ID is made of it.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The report that it brings.
        report_id -> Uuid,
        /// The user it goes to.
        user_id -> Uuid,
        /// The e-mail address of the user when it was queued.
        #[max_length = 255]
        recipient -> Varchar,
        /// waiting (to be sent), sent or failed (given up).
        #[max_length = 20]
        status -> Varchar,
        /// Why the last attempt failed, or why it is not sent, in plain words.
        error_message -> Nullable<Text>,
        /// Attempts to send it.
        attempts -> Int4,
        /// Not sent before this instant; set while waiting.
        next_attempt_at -> Nullable<Timestamptz>,
        /// The claim of the worker that sends it now.
        lease_owner -> Nullable<Uuid>,
        /// From this instant on another worker may take it over; set with lease_owner.
        lease_expires_at -> Nullable<Timestamptz>,
        /// When the mail server had taken it.
        sent_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// A report that is made and mailed by itself; a business without a row gets none.
    report_schedules (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// daily (of the day before), weekly (on Monday, of the week before) or monthly (on the 1st, of the month before).
        #[max_length = 10]
        kind -> Varchar,
        /// Whether the report is made; if not, the rest is kept for later.
        is_active -> Bool,
        /// The hour of the business's clock at which it is made, 0 to 23.
        hour -> Int2,
        /// The users it is mailed to; empty: to owners and administrators. One that is gone gets none.
        user_ids -> Array<Uuid>,
        /// The zone by which next_due_at was reckoned.
        #[max_length = 50]
        timezone -> Varchar,
        /// The instant from which on the next report is made.
        next_due_at -> Timestamptz,
        /// The first day of the last period that was reported on: no period is reported on twice; NULL: none yet.
        last_period_start -> Nullable<Date>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One change of a tenant's rows: which, and nothing of what is in them. Kept for 7 days at least.
    stream_events (tenant_id, seq) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Its number, from 1, without gaps.
        seq -> Int8,
        /// What has changed, and how.
        #[max_length = 30]
        kind -> Varchar,
        /// The row that has changed; of presence, the user. NULL: so many have that they are not named one by one.
        subject_id -> Nullable<Uuid>,
        /// The instant of the transaction; it need not rise with the number.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// The head of a tenant's stream of events. The last statement of each transaction that has events moves it, so that numbers are given in the order of the commits and without gaps. A tenant in which nothing has happened yet has no row.
    tenant_streams (tenant_id) {
        /// The tenant whose stream it is.
        tenant_id -> Uuid,
        /// One counting of the numbers. A restored database gets another one: numbers from before the restore mean something else then.
        epoch -> Uuid,
        /// The number of the last event.
        seq -> Int8,
    }
}

diesel::table! {
    /// A business: the unit of isolation, billing and onboarding. Only nmc_system adds or deletes one.
    tenants (id) {
        /// The tenant_id of every other table.
        id -> Uuid,
        /// What greetings call the business; unique over all tenants.
        #[max_length = 255]
        business_name -> Varchar,
        /// Postal address, free text.
        business_address -> Nullable<Text>,
        /// The number the business already had, not one provisioned here; unique over all tenants.
        #[max_length = 20]
        business_phone -> Nullable<Varchar>,
        /// Trade, an open list: plumbing, electrical, hvac, …
        #[max_length = 100]
        business_type -> Nullable<Varchar>,
        /// Wider sector, free text.
        #[max_length = 100]
        industry -> Nullable<Varchar>,
        /// The user who owns the account, of this same tenant; NULL until that user exists.
        owner_id -> Nullable<Uuid>,
        /// active, inactive, suspended or pending.
        #[max_length = 50]
        status -> Varchar,
        /// Name of the plan, an open list.
        #[max_length = 50]
        subscription_tier -> Varchar,
        /// Whether the tenant is served; never true while inactive or suspended.
        is_active -> Bool,
        /// Step reached, 1 to 5.
        onboarding_step -> Int4,
        /// Whether onboarding is behind them.
        onboarding_completed -> Bool,
        /// How far from the address jobs are taken, in miles.
        service_radius_miles -> Int4,
        /// Lower end of a usual job's price, in US dollars.
        estimated_job_min -> Numeric,
        /// Upper end of a usual job's price, in US dollars; above estimated_job_min.
        estimated_job_max -> Numeric,
        /// Opening time, local to timezone.
        business_hours_start -> Time,
        /// Closing time, local to timezone; before the opening time when the day ends past midnight.
        business_hours_end -> Time,
        /// IANA zone name; the library checks it against the zone list.
        #[max_length = 50]
        timezone -> Varchar,
        /// When the tenant registered.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// Hash of the key the registration came with: the same key again finds this tenant. NULL when it came without one.
        #[max_length = 64]
        registration_key -> Nullable<Varchar>,
        /// How many phone numbers it may hold at once; operators set it.
        phone_number_limit -> Int4,
        /// When an operator approved of the business: from then on it may buy numbers, send texts and have calls forwarded. NULL: it waits for that, and costs nothing.
        approved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The last that a user's client said of typing in a conversation: read by other processes for 6 seconds, deleted after a minute, empty after a crash.
    typing_notices (tenant_id, conversation_id, user_id) {
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The conversation in whose room it is told.
        conversation_id -> Uuid,
        /// The user who is about to answer.
        user_id -> Uuid,
        /// The process that wrote it, and has told its own clients; it takes another id whenever it starts.
        process_id -> Uuid,
        /// Whether the user types; false: no longer.
        is_typing -> Bool,
        /// When it was written, by the clock of the database: those of servers differ.
        noticed_at -> Timestamptz,
    }
}

diesel::table! {
    /// What a user wants to be told, and how the dashboard opens for them.
    user_preferences (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The user, who must have a profile; one row each.
        user_id -> Uuid,
        /// Whether to notify by text message.
        sms_notifications_enabled -> Bool,
        /// Whether to notify by e-mail.
        email_notifications_enabled -> Bool,
        /// Whether to notify on the device.
        push_notifications_enabled -> Bool,
        /// Whether the dashboard plays sounds.
        dashboard_sounds_enabled -> Bool,
        /// conversations, calls, analytics or calendar.
        #[max_length = 50]
        dashboard_default_view -> Varchar,
        /// Seconds between two refreshes of the dashboard.
        dashboard_refresh_interval -> Int4,
        /// Whether the introduction is still to be shown.
        show_tutorial -> Bool,
        /// Whether replies may go out on this user's behalf.
        auto_response_enabled -> Bool,
        /// Whether to say so when the AI takes a conversation over.
        ai_takeover_notifications -> Bool,
        /// Seconds a customer may wait for this user before help steps in.
        customer_response_timeout -> Int4,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// How a user appears to others. E-mail and role repeat the user's and change in the same transaction.
    user_profiles (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The user; one profile each.
        user_id -> Uuid,
        /// Same as the user's, in lower case.
        #[max_length = 255]
        email -> Varchar,
        /// Given name.
        #[max_length = 100]
        first_name -> Varchar,
        /// Family name.
        #[max_length = 100]
        last_name -> Varchar,
        /// Shown instead of first and last name when given.
        #[max_length = 200]
        display_name -> Nullable<Varchar>,
        /// Where to reach the user.
        #[max_length = 20]
        phone_number -> Nullable<Varchar>,
        /// URL or stored path of the photo.
        profile_photo_url -> Nullable<Text>,
        /// IANA zone name; the library checks it against the zone list.
        #[max_length = 50]
        timezone -> Varchar,
        /// Same as the user's.
        #[max_length = 50]
        role -> Varchar,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Whether the profile is shown.
        is_active -> Bool,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One login of one user on one device; lives on by rotating its refresh token.
    user_sessions (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The user.
        user_id -> Uuid,
        /// Hash of the refresh token in force; the token itself is never stored.
        #[max_length = 255]
        refresh_token_hash -> Varchar,
        /// Hash of the token that was exchanged last. While none of its successors is used, it may be exchanged again.
        #[max_length = 255]
        previous_token_hash -> Nullable<Varchar>,
        /// When the refresh token was last exchanged.
        rotated_at -> Nullable<Timestamptz>,
        /// No refresh from this instant on.
        expires_at -> Timestamptz,
        /// Address the login came from.
        ip_address -> Nullable<Inet>,
        /// The client's User-Agent header.
        user_agent -> Nullable<Text>,
        /// Whatever the client sends to tell its devices apart.
        #[max_length = 255]
        device_fingerprint -> Nullable<Varchar>,
        /// False once ended; an expired session may still say true.
        is_active -> Bool,
        /// When it ended; NULL while it lives.
        ended_at -> Nullable<Timestamptz>,
        /// logout, logout_all, reuse (a rotated token came back), password_changed, expired, suspended or deactivated; given with ended_at.
        #[max_length = 20]
        ended_reason -> Nullable<Varchar>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        last_used_at -> Timestamptz,
        /// Hash of the part that all refresh tokens of the session share: it finds the session, and proves that a token was once its.
        #[max_length = 64]
        token_family_hash -> Varchar,
        /// Hashes of other tokens handed out for the same previous one, as unused as refresh_token_hash: answers that may be lost. At most 7.
        sibling_token_hashes -> Array<Text>,
    }
}

diesel::table! {
    /// Whether a user is here right now. Overwritten often, kept apart from the profile for that reason.
    user_status (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// The user, who must have a profile; one row each.
        user_id -> Uuid,
        /// Whether presence is tracked for this user.
        is_active -> Bool,
        /// Whether a client is connected.
        is_online -> Bool,
        /// Last sign of life from a client.
        last_seen_at -> Timestamptz,
        /// available, busy, offline or away, as the user chose.
        #[max_length = 20]
        current_status -> Varchar,
        /// The user's own words beside the status.
        status_message -> Nullable<Text>,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// A person who can log in. Belongs to one tenant; the e-mail address is unique over all tenants.
    users (id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Login name, in lower case.
        #[max_length = 255]
        email -> Varchar,
        /// bcrypt, in its modular crypt format.
        #[max_length = 255]
        password_hash -> Varchar,
        /// Given name.
        #[max_length = 100]
        first_name -> Nullable<Varchar>,
        /// Family name.
        #[max_length = 100]
        last_name -> Nullable<Varchar>,
        /// owner, admin, operator, user or viewer.
        #[max_length = 50]
        role -> Varchar,
        /// Whether the user may log in.
        is_active -> Bool,
        /// Whether the address is known to be the user's: a token that was mailed to it came back, or an operator said so. It counts with email_verified_at alone: accounts older than that have it from registering, too.
        email_verified -> Bool,
        /// Hash of an open invitation, with which the user chooses a password; NULL when there is none.
        #[max_length = 255]
        verification_token -> Nullable<Varchar>,
        /// Wrong passwords in a row since the last login, from where the account had not logged in before.
        failed_login_attempts -> Int4,
        /// No login before this instant from where the account has not logged in before; NULL when not locked.
        locked_until -> Nullable<Timestamptz>,
        /// Last successful login.
        last_login_at -> Nullable<Timestamptz>,
        /// When the row was written.
        created_at -> Timestamptz,
        /// Last change; moves by trigger.
        updated_at -> Timestamptz,
        /// The invitation is refused from this instant on; NULL without one.
        verification_expires_at -> Nullable<Timestamptz>,
        /// Wrong passwords in a row since the last login, from an address or a device that had logged in before, or in a live session.
        known_failed_attempts -> Int4,
        /// No login before this instant from a known address or device; NULL when not locked.
        known_locked_until -> Nullable<Timestamptz>,
        /// When the address was shown to be the user's; NULL: it was not.
        email_verified_at -> Nullable<Timestamptz>,
        /// When another address took the place of the one before, and was not verified since; NULL: it is the one that the account began with, or verified. While it is set no link that resets the password goes there.
        email_changed_at -> Nullable<Timestamptz>,
        /// The highest role that the password has been good for, if that was lowered since: who may have it reset goes by this one. NULL: by the role.
        #[max_length = 50]
        password_role -> Nullable<Varchar>,
    }
}

diesel::table! {
    /// The log of streams of events, by WebSocket or server-sent events. Written only where an operator has switched it on; kept for 30 days.
    websocket_events (tenant_id, id) {
        /// Key; the library supplies a UUIDv7.
        id -> Uuid,
        /// The tenant it belongs to.
        tenant_id -> Uuid,
        /// Whose stream it is; NULL: an API key's.
        user_id -> Nullable<Uuid>,
        /// The stream: the same from its connect to its disconnect.
        socket_id -> Uuid,
        /// What happened.
        #[max_length = 50]
        event_type -> Varchar,
        /// Details: an object. Of connect the transport, of disconnect the reason, the seconds and the events sent, else the room.
        event_data -> Jsonb,
        /// Where the client is, at connect.
        ip_address -> Nullable<Inet>,
        /// The client's User-Agent header, at connect.
        user_agent -> Nullable<Text>,
        /// When the row was written: a second or two after it happened.
        created_at -> Timestamptz,
    }
}

diesel::joinable!(alert_metrics_cache -> tenants (tenant_id));
diesel::joinable!(alert_rounds -> tenants (tenant_id));
diesel::joinable!(alert_rules -> tenants (tenant_id));
diesel::joinable!(analytics_marks -> tenants (tenant_id));
diesel::joinable!(analytics_metrics -> tenants (tenant_id));
diesel::joinable!(analytics_processing_jobs -> tenants (tenant_id));
diesel::joinable!(analytics_reports -> tenants (tenant_id));
diesel::joinable!(analytics_roll_ups -> tenants (tenant_id));
diesel::joinable!(api_keys -> tenants (tenant_id));
diesel::joinable!(business_settings -> tenants (tenant_id));
diesel::joinable!(call_analytics -> tenants (tenant_id));
diesel::joinable!(calls -> tenants (tenant_id));
diesel::joinable!(catch_up_marks -> tenants (tenant_id));
diesel::joinable!(connection_metrics -> tenants (tenant_id));
diesel::joinable!(consents -> tenants (tenant_id));
diesel::joinable!(conversation_analytics -> tenants (tenant_id));
diesel::joinable!(conversations -> tenants (tenant_id));
diesel::joinable!(erased_sids -> tenants (tenant_id));
diesel::joinable!(escalation_contacts -> tenants (tenant_id));
diesel::joinable!(holidays -> tenants (tenant_id));
diesel::joinable!(kpi_snapshots -> tenants (tenant_id));
diesel::joinable!(kpi_targets -> tenants (tenant_id));
diesel::joinable!(messages -> tenants (tenant_id));
diesel::joinable!(number_pacing -> tenants (tenant_id));
diesel::joinable!(phone_numbers -> tenants (tenant_id));
diesel::joinable!(report_schedules -> tenants (tenant_id));
diesel::joinable!(stream_events -> tenants (tenant_id));
diesel::joinable!(tenant_streams -> tenants (tenant_id));
diesel::joinable!(websocket_events -> tenants (tenant_id));

diesel::allow_tables_to_appear_in_same_query!(
    account_mails,
    alert_escalations,
    alert_history,
    alert_metrics_cache,
    alert_rounds,
    alert_rule_states,
    alert_rules,
    alerts,
    analytics_marks,
    analytics_metrics,
    analytics_processing_jobs,
    analytics_reports,
    analytics_roll_ups,
    api_keys,
    business_settings,
    call_analytics,
    call_metadata,
    call_participants,
    calls,
    catch_up_marks,
    connection_metrics,
    consents,
    conversation_analytics,
    conversation_events,
    conversation_reads,
    conversation_tags,
    conversation_terms,
    conversations,
    erased_sids,
    escalation_contacts,
    holidays,
    kpi_snapshots,
    kpi_targets,
    message_media,
    message_terms,
    messages,
    notifications,
    number_pacing,
    phone_numbers,
    report_mails,
    report_schedules,
    stream_events,
    tenant_streams,
    tenants,
    typing_notices,
    user_preferences,
    user_profiles,
    user_sessions,
    user_status,
    users,
    websocket_events,
);
