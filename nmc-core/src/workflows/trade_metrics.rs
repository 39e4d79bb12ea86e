//! How trade metrics are measured, from a business's own rows. Each is measured at full minutes of the clock, as often as its window asks
//! for; measured twice it comes to the same.

use crate::alerts::{MetricSource, TRADE_METRICS, TradeMetric};
use crate::conversations::Keyword;
use crate::store::{Prepared, TenantTx};
use crate::tenants::BusinessHours;
use crate::types::bounds;
use crate::{Result, Span};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

impl MetricSource {
    const fn sql(self) -> &'static str {
        match self {
            Self::Calls => CALLS,
            Self::Usual => USUAL,
            Self::Waiting => WAITING,
            Self::Texts => TEXTS,
            Self::OptOuts => OPT_OUTS,
            Self::Unassigned => UNASSIGNED,
            Self::Spend => SPEND,
            Self::Numbers => NUMBERS,
            Self::Queue => QUEUE,
        }
    }

    /// The values of all its metrics at an instant.
    fn rows(self, tx: &mut TenantTx<'_>, hours: &BusinessHours, at: DateTime<Utc>) -> Result<Vec<Row>> {
        let recently = match self {
            Self::Spend => hours.start_of_day(at).unwrap_or(at),
            _ => at - TimeDelta::minutes(15),
        };
        let weeks_ago: Vec<DateTime<Utc>> = (1..=4).filter_map(|weeks| hours.days_before(at, 7 * weeks)).collect();
        if self == Self::Waiting {
            let value = waits_since(tx, at)?.map_or(Decimal::ZERO, |since| open_minutes(hours, since, at));
            return Ok(vec![Row { metric: "nmc.longest_wait_minutes".to_owned(), value }]);
        }
        let query = sql_query(self.sql())
            .bind::<Uuid, _>(tx.0.tenant)
            .bind::<Timestamptz, _>(at)
            .bind::<Timestamptz, _>(recently)
            .bind::<Timestamptz, _>(at - TimeDelta::hours(1))
            .bind::<Timestamptz, _>(at - TimeDelta::hours(24))
            .bind::<Array<Timestamptz>, _>(weeks_ago);
        // To plan one takes longer than to run it, and each round runs it for each business.
        Ok(Prepared(query).load(tx.0.conn)?)
    }
}

/// Since when the customer waits who has waited longest, at an instant.
fn waits_since(tx: &mut TenantTx<'_>, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let mut after = DateTime::UNIX_EPOCH;
    for _ in 0..MOST_READS {
        let query = sql_query(WAITING).bind::<Uuid, _>(tx.0.tenant).bind::<Timestamptz, _>(at).bind::<Timestamptz, _>(after);
        let texts: Vec<Unanswered> = Prepared(query).load(tx.0.conn)?;
        // Who asks for help is answered by a machine.
        let waits = texts.iter().find(|text| Keyword::of(&text.message_body) != Some(Keyword::Help));
        if waits.is_some() || texts.len() < UNANSWERED {
            return Ok(waits.map(|text| text.since));
        }
        after = texts.last().map_or(at, |text| text.since);
    }
    // A thousand who asked for help, and nobody else.
    Ok(None)
}

/// The minutes between two instants in which the business was open, as the figures reckon a wait.
fn open_minutes(hours: &BusinessHours, since: DateTime<Utc>, at: DateTime<Utc>) -> Decimal {
    let open = hours.open_spans(Span { from: since, until: at.max(since) }).into_iter();
    let open: TimeDelta = open.map(|open| (open.until.min(at) - open.from.max(since)).max(TimeDelta::zero())).sum();
    Decimal::from(open.num_seconds()) / Decimal::from(60)
}

/// Calls count when they have ended, by the time they began; one that is read from an old log is not of the last day.
const CALLS: &str = "\
    WITH ended AS MATERIALIZED ( \
        SELECT coalesce(started_at, created_at) AS at, outcome IN ('missed', 'voicemail', 'abandoned') AS missed FROM calls \
        WHERE tenant_id = $1 AND created_at > $5 AND call_direction = 'inbound' AND outcome IS NOT NULL \
    ), counted AS ( \
        SELECT count(*) FILTER (WHERE at > $3) AS of_15m, count(*) FILTER (WHERE at > $3 AND missed) AS missed_15m, \
            count(*) FILTER (WHERE at > $4) AS of_1h, count(*) FILTER (WHERE at > $4 AND missed) AS missed_1h, \
            count(*) AS of_1d, count(*) FILTER (WHERE missed) AS missed_1d \
        FROM ended WHERE at > $5 AND at <= $2 \
    ) \
    SELECT m.metric, m.value FROM counted, LATERAL (VALUES \
        ('nmc.missed_calls_15m', CASE WHEN of_15m > 0 THEN missed_15m::numeric END), \
        ('nmc.missed_calls_1h', CASE WHEN of_1h > 0 THEN missed_1h::numeric END), \
        ('nmc.missed_calls_1d', CASE WHEN of_1d > 0 THEN missed_1d::numeric END), \
        ('nmc.missed_rate_15m', 100.0 * missed_15m / nullif(of_15m, 0)), \
        ('nmc.missed_rate_1h', 100.0 * missed_1h / nullif(of_1h, 0)), \
        ('nmc.missed_rate_1d', 100.0 * missed_1d / nullif(of_1d, 0)) \
    ) AS m (metric, value) WHERE m.value IS NOT NULL";

/// Usual is the mean of the same hour one to four weeks ago, of those in which anybody called; `$6` are their ends.
const USUAL: &str = "\
    WITH hours AS MATERIALIZED ( \
        SELECT (SELECT count(*) FROM calls AS c WHERE c.tenant_id = $1 AND c.call_direction = 'inbound' \
            AND c.created_at > ended.at - interval '1 hour' AND c.created_at <= ended.at) AS calls \
        FROM unnest($6) AS ended (at) \
    ), now AS ( \
        SELECT count(*) AS calls FROM calls AS c \
        WHERE c.tenant_id = $1 AND c.call_direction = 'inbound' AND c.created_at > $4 AND c.created_at <= $2 \
    ) \
    SELECT 'nmc.calls_vs_usual_1h' AS metric, 100.0 * now.calls / usual.calls AS value \
    FROM now, (SELECT avg(calls) AS calls FROM hours WHERE calls > 0) AS usual WHERE usual.calls IS NOT NULL";

/// How many texts [`WAITING`] reads at once; the number stands there too.
const UNANSWERED: usize = 50;

/// How often it reads on, at the most.
const MOST_READS: usize = 20;

/// A customer waits from the first text that no text of staff has followed: the texts of this kind until `$2` and after `$3`, the oldest first.
/// A keyword that was obeyed stands in the ledger. Who has opted out, in either spelling of theirs, can't be answered.
const WAITING: &str = "\
    SELECT waits.since, waits.message_body \
    FROM conversations AS c CROSS JOIN LATERAL ( \
        SELECT m.created_at AS since, m.message_body FROM messages AS m \
        WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_direction = 'inbound' AND m.created_at <= $2 AND m.created_at > $3 AND m.created_at > coalesce(( \
            SELECT max(a.created_at) FROM messages AS a WHERE a.tenant_id = $1 AND a.conversation_id = c.id AND a.created_at <= $2 \
                AND a.message_direction = 'outbound' AND a.message_kind = 'message' AND a.message_status NOT IN ('failed', 'canceled') \
        ), '-infinity') \
            AND NOT EXISTS (SELECT FROM consents AS k WHERE k.tenant_id = $1 AND k.message_id = m.id) \
        ORDER BY m.created_at LIMIT 50 \
    ) AS waits \
    WHERE c.tenant_id = $1 AND c.status IN ('active', 'waiting') AND ( \
        SELECT k.action FROM unnest(ARRAY[c.customer_phone, CASE \
            WHEN c.customer_phone LIKE '+52%' THEN '+521' || substr(c.customer_phone, 4) \
            WHEN c.customer_phone LIKE '+54%' THEN '+549' || substr(c.customer_phone, 4) END]) AS s (phone) \
        CROSS JOIN LATERAL ( \
            SELECT o.action, o.sequence FROM consents AS o WHERE o.tenant_id = $1 AND o.customer_phone = s.phone \
            ORDER BY o.sequence DESC LIMIT 1 \
        ) AS k ORDER BY k.sequence DESC LIMIT 1 \
    ) IS DISTINCT FROM 'opt_out' \
    ORDER BY waits.since LIMIT 50";

/// Failed ones by when they failed, which their conversation knows: a text is given up hours after it was written, and carriers report late.
/// The rate is of those that the provider took in the hour, and of those that failed in it. Greetings and others stand in two indexes.
const TEXTS: &str = "\
    WITH failed AS ( \
        SELECT DISTINCT m.id FROM conversation_events AS e \
        JOIN messages AS m ON m.tenant_id = $1 AND m.conversation_id = e.conversation_id AND m.id::text = e.event_data ->> 'message_id' \
        WHERE e.tenant_id = $1 AND e.event_type = 'message_failed' AND e.created_at > $4 AND e.created_at <= $2 \
            AND m.message_status IN ('failed', 'undelivered') \
    ), texts AS ( \
        SELECT id FROM failed \
        UNION \
        SELECT id FROM messages \
        WHERE tenant_id = $1 AND created_at > $5 AND created_at <= $2 AND message_kind <> 'greeting' \
            AND sent_at > $4 AND sent_at <= $2 AND message_direction = 'outbound' AND message_status <> 'canceled' \
        UNION \
        SELECT id FROM messages \
        WHERE tenant_id = $1 AND created_at > $5 AND created_at <= $2 AND message_kind <> 'message' AND message_kind = 'greeting' \
            AND sent_at > $4 AND sent_at <= $2 AND message_status <> 'canceled' \
    ), counted AS ( \
        SELECT (SELECT count(*) FROM texts) AS texts, (SELECT count(*) FROM failed) AS failed \
    ) \
    SELECT m.metric, m.value FROM counted, LATERAL (VALUES \
        ('nmc.texts_failed_1h', failed::numeric), ('nmc.text_failure_rate_1h', 100.0 * failed / nullif(texts, 0)) \
    ) AS m (metric, value) WHERE texts > 0";

/// Without a text there is nothing to opt out of.
const OPT_OUTS: &str = "\
    SELECT 'nmc.opt_outs_1d' AS metric, count(DISTINCT customer_phone)::numeric AS value FROM consents \
    WHERE tenant_id = $1 AND action = 'opt_out' AND created_at > $5 AND created_at <= $2 \
    HAVING count(*) > 0 \
        OR EXISTS (SELECT FROM messages WHERE tenant_id = $1 AND created_at > $5 AND message_kind <> 'message') \
        OR EXISTS (SELECT FROM messages WHERE tenant_id = $1 AND created_at > $5 AND message_kind <> 'greeting')";

const UNASSIGNED: &str = "\
    SELECT 'nmc.unassigned_conversations' AS metric, count(*)::numeric AS value FROM conversations \
    WHERE tenant_id = $1 AND status IN ('active', 'waiting') AND assigned_to IS NULL \
       ";

/// Prices come later than what they are for: it grows for a while. What was charged in another currency than the figures' does not
/// count. `$3` is the beginning of the day.
const SPEND: &str = "\
    SELECT 'nmc.spend_today' AS metric, sum(price) AS value FROM ( \
        SELECT price FROM calls WHERE tenant_id = $1 AND created_at >= $3 AND created_at <= $2 AND price_unit = 'USD' \
        UNION ALL \
        SELECT price FROM messages WHERE tenant_id = $1 AND created_at >= $3 AND created_at <= $2 AND price_unit = 'USD' AND message_kind <> 'greeting' \
        UNION ALL \
        SELECT price FROM messages \
        WHERE tenant_id = $1 AND created_at >= $3 AND created_at <= $2 AND price_unit = 'USD' AND message_kind <> 'message' AND message_kind = 'greeting' \
    ) AS priced HAVING sum(price) IS NOT NULL";

const NUMBERS: &str = "\
    SELECT 'nmc.numbers_in_trouble' AS metric, count(*) FILTER (WHERE status IN ('error', 'inactive'))::numeric AS value FROM phone_numbers \
    WHERE tenant_id = $1 AND status <> 'released' \
    HAVING count(*) > 0";

/// By when each was due first: one that waits for its next try is late. What waits for the morning, or for its turn where a number has sent
/// within the last minute, is not; what waits for a number that is held back is.
const QUEUE: &str = "\
    SELECT 'nmc.queue_age_minutes' AS metric, \
        coalesce(greatest(extract(epoch FROM $2 - min(coalesce(m.due_since, m.next_attempt_at))) / 60, 0), 0)::numeric(15, 4) AS value \
    FROM messages AS m \
    WHERE m.tenant_id = $1 AND m.message_status = 'queued' AND m.message_direction = 'outbound' \
        AND (m.due_since IS NOT NULL OR m.next_attempt_at <= $2 AND NOT EXISTS ( \
            SELECT FROM number_pacing AS p WHERE p.tenant_id = $1 AND p.phone_number = m.from_number \
                AND p.free_at > $2 - interval '1 minute' AND (p.held_until > $2) IS NOT TRUE \
        ))";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    metric: String,
    #[diesel(sql_type = Numeric)]
    value: Decimal,
}

/// A text of a customer's that nobody has answered.
#[derive(QueryableByName)]
struct Unanswered {
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    message_body: String,
}

/// Measures those of these metrics that are ours and whose time has come in this span, which ends at a full minute, and writes what they
/// come to, each at the last of its times; returns how many values that were.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
pub(super) fn measure(tx: &mut TenantTx<'_>, watched: &[String], span: RangeInclusive<DateTime<Utc>>) -> Result<usize> {
    let time_of = |metric: &TradeMetric| span.end().duration_trunc(TimeDelta::minutes(metric.every_minutes)).ok();
    let is_watched = |metric: &&TradeMetric| watched.iter().any(|name| name == metric.name);
    let due = TRADE_METRICS.iter().filter(is_watched).filter_map(|metric| Some((time_of(metric)?, metric)));
    let due: Vec<(DateTime<Utc>, &TradeMetric)> = due.filter(|(at, _)| span.contains(at)).collect();
    if due.is_empty() {
        return Ok(0);
    }
    let hours = tx.tenants().business_hours()?;
    let together: BTreeSet<(DateTime<Utc>, MetricSource)> = due.iter().map(|(at, metric)| (*at, metric.source)).collect();
    let mut values = BTreeMap::new();
    for (at, source) in together {
        let is_due = |row: &Row| due.iter().any(|(time, metric)| *time == at && metric.name == row.metric);
        let rows = source.rows(tx, &hours, at)?.into_iter().filter(is_due);
        for row in rows {
            values.insert((row.metric, at), bounds::METRIC.rounded("metric_value", row.value)?);
        }
    }
    let measured = values.len();
    tx.measurements().write(values)?;
    Ok(measured)
}
