//! What a business's figures take: all of them anew beside statements by hand, one dirty day, figures asked of its rows, the summary, a report,
//! and what the marks cost a missed call.

use chrono::TimeDelta;
use nmc_core::access::Acting;
use nmc_core::reports::{Paper, ReportKind};
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{SummaryPeriod, WantedReport, figures, record_voice_status, report_content, roll_up_all, summary};
use nmc_core::{Clock as _, Span, Store, SystemClock};
use std::time::{Duration, Instant};

const ROUNDS: i64 = 5;

/// What a roll-up fills: what it reads is vacuumed when it has been filled.
const VACUUM: &str = "VACUUM (ANALYZE) call_analytics, conversation_analytics, analytics_metrics, kpi_snapshots, analytics_marks";

/// Whose figures are measured.
pub(crate) struct Figured<'a> {
    pub(crate) store: &'a Store,
    pub(crate) superuser_url: &'a str,
    pub(crate) business: &'a Business,
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let came = work();
    (begun.elapsed(), came)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Prints a line for each.
pub(crate) fn measure(site: &Figured<'_>) {
    let execute = |sql: &str| TestDb::execute_at(site.superuser_url, sql);
    let tenant = site.business.tenant.id();
    let by_hand = include_str!("by_hand.sql").replace("$t", &format!("'{tenant}'"));
    let empty = format!(
        "DELETE FROM call_analytics WHERE tenant_id = '{tenant}'; DELETE FROM conversation_analytics WHERE tenant_id = '{tenant}';
         DELETE FROM analytics_metrics WHERE tenant_id = '{tenant}'; DELETE FROM kpi_snapshots WHERE tenant_id = '{tenant}';
         DELETE FROM analytics_roll_ups; DELETE FROM analytics_marks"
    );
    let mark = format!("INSERT INTO analytics_marks (tenant_id, marked_at) VALUES ('{tenant}', now())");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        execute(&empty);
        execute(VACUUM);
        theirs.push(timed(|| execute(&by_hand)).0);
        execute(&empty);
        execute(VACUUM);
        execute(&mark);
        ours.push(timed(|| roll_up_all(site.store).expect("figures")).0);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("everything: {ours:.1?}; by hand {theirs:.1?}; ratio {:.2}", ours.as_secs_f64() / theirs.as_secs_f64());

    dirty_days(site);

    let one = |n: i64| {
        execute(&format!(
            "UPDATE calls SET price = 1 WHERE id = (SELECT id FROM calls WHERE tenant_id = '{tenant}' AND created_at < now() - interval '{n} days' ORDER BY created_at DESC LIMIT 1)"
        ));
        timed(|| roll_up_all(site.store).expect("figures")).0
    };
    println!("one late price: {:.1?}", median((20..20 + ROUNDS).map(one).collect()));

    let now = SystemClock.now();
    for days in [1, 7, 30] {
        let span = Span { from: now - TimeDelta::days(days), until: now };
        let times = (0..ROUNDS)
            .map(|_| timed(|| site.store.tenant(&site.business.tenant, |tx| figures(tx, span)).expect("figures")).0)
            .collect();
        println!("figures of {days} days from rows: {:.1?}", median(times));
    }

    for period in [SummaryPeriod::Today, SummaryPeriod::SevenDays, SummaryPeriod::ThirtyDays] {
        let times = (0..3 * ROUNDS)
            .map(|_| timed(|| site.store.tenant(&site.business.tenant, |tx| summary(tx, period)).expect("a summary")).0)
            .collect();
        println!("summary, {period:?}: {:.1?}", median(times));
    }
    let last_month = WantedReport::last(ReportKind::Monthly, now.date_naive());
    let who = Acting::Application(site.business.tenant);
    let (mut contents, mut pages, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (took, content) = timed(|| report_content(site.store, &who, last_month).expect("a report"));
        contents.push(took);
        let (took, pdf) = timed(|| content.to_pdf(Paper::Letter).expect("pages"));
        pages.push(took);
        bytes = pdf.len();
    }
    println!("a month's report: {:.1?} to make, {:.1?} to draw, {bytes} bytes", median(contents), median(pages));

    let call = || {
        let callback = VoiceForm::missed(unique_phone().as_str(), &site.business.number, &unique_sid("CA")).parse();
        timed(|| record_voice_status(site.store, &callback).expect("a call")).0
    };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (times, is_marked) in [(&mut with, true), (&mut without, false)] {
            execute(&marking(is_marked));
            // The plans of before are made anew after a table has changed.
            (0..50).for_each(|_| {
                call();
            });
            times.push(median((0..1_000).map(|_| call()).collect()));
        }
    }
    execute(&marking(true));
    let (with, without) = (median(with), median(without));
    println!(
        "a missed call: {with:.1?} with marks, {without:.1?} without; ratio {:.2}",
        with.as_secs_f64() / without.as_secs_f64()
    );
}

/// Prints what one dirty day takes.
pub(crate) fn dirty_days(site: &Figured<'_>) {
    let execute = |sql: &str| TestDb::execute_at(site.superuser_url, sql);
    let tenant = site.business.tenant.id();
    execute(VACUUM);
    let day = |n: i64| {
        execute(&format!(
            "UPDATE calls SET duration_seconds = duration_seconds + 1 WHERE tenant_id = '{tenant}' AND created_at BETWEEN now() - interval '{n} days' AND now() - interval '{} days'",
            n - 1
        ));
        let (took, came) = timed(|| roll_up_all(site.store).expect("figures"));
        (took, came.hours)
    };
    day(9);
    let days: Vec<_> = (10..10 + ROUNDS).map(day).collect();
    let hours: usize = days.iter().map(|day| day.1).sum();
    println!("one dirty day: {:.1?} ({hours} hours in {ROUNDS})", median(days.iter().map(|day| day.0).collect()));
}

/// Switches the triggers that mark what changes.
fn marking(is_on: bool) -> String {
    let verb = if is_on { "ENABLE" } else { "DISABLE" };
    format!(
        "DO $$ DECLARE command text; BEGIN
             FOR command IN SELECT format('ALTER TABLE %s {verb} TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
                 WHERE tgfoid::regproc::text LIKE '%nmc_mark_%' AND NOT tgisinternal
             LOOP EXECUTE command; END LOOP;
         END $$"
    )
}
