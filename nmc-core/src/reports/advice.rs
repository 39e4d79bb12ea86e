//! What to do, by rules from the figures of a report. Each rule says nothing, or one thing with the numbers that it rests on.

use super::content::{Advice, Basis, ReportContent};
use super::words::{WEEKDAYS, display, hour};
use rust_decimal::Decimal;

/// The most that a report asks for: a longer list is one that nobody begins.
const MOST: usize = 5;

/// Fewer missed calls than this show no pattern.
const FEWEST_MISSED: u64 = 5;

/// The minutes of business hours after which a first answer is slow.
const SLOW_MINUTES: u64 = 15;

/// The rules after those of silence, the weightiest first.
const RULES: &[fn(&ReportContent) -> Option<Advice>] =
    &[texts_failed, missed_number, missed_hours, missed_weekday, missed_most, slow_answers, piling_up, opt_outs, results_unknown];

/// What to do after this report, the weightiest first.
pub(super) fn of(report: &ReportContent) -> Vec<Advice> {
    let silence = [no_calls(report), texts_not_sent(report)].into_iter().flatten();
    silence.chain(RULES.iter().filter_map(|rule| rule(report))).take(MOST).collect()
}

fn advice(rule: &str, text: String, basis: &[(&str, Decimal)]) -> Advice {
    let basis = basis.iter().map(|(name, value)| Basis { name: (*name).to_owned(), value: value.normalize() }).collect();
    Advice { rule: rule.to_owned(), text, basis }
}

/// Whether `part` is at least `percent` of `whole`, of which there is some.
fn is_share(part: Decimal, whole: Decimal, percent: u64) -> bool {
    whole > Decimal::ZERO && part * Decimal::ONE_HUNDRED >= whole * Decimal::from(percent)
}

fn count(value: Decimal) -> String {
    display(value, "count")
}

fn no_calls(report: &ReportContent) -> Option<Advice> {
    let (calls, before) = (report.total("nmc.calls_inbound"), report.previous_total("nmc.calls_inbound"));
    (report.complete && calls.is_zero() && before >= Decimal::from(3)).then(|| {
        let text = format!(
            "Nobody called, after {} calls in the period before. Call your number, and see that it rings.",
            count(before)
        );
        advice("no_calls", text, &[("nmc.calls_inbound", calls), ("nmc.calls_inbound.previous", before)])
    })
}

fn texts_not_sent(report: &ReportContent) -> Option<Advice> {
    let (missed, texted): (Decimal, Decimal) = match report.textable {
        Some(of) => (of.missed.into(), of.texted.into()),
        None => (report.total("nmc.calls_unanswered"), report.total("nmc.calls_texted_back")),
    };
    let silent = missed - texted;
    (silent >= Decimal::from(3) && is_share(silent, missed, 20)).then(|| {
        let text = format!(
            "{} of {} missed callers got no text back. Check that the greeting is switched on, and that your number may send texts.",
            count(silent),
            count(missed)
        );
        advice("texts_not_sent", text, &[("missed", missed), ("texted_back", texted)])
    })
}

fn texts_failed(report: &ReportContent) -> Option<Advice> {
    let (sent, failed) = (report.total("nmc.texts_sent"), report.total("nmc.texts_failed"));
    (failed >= Decimal::from(3) && is_share(failed, sent, 5)).then(|| {
        let text = format!(
            "{} of {} texts did not arrive. Some callers use landlines; if it is more than those, check the registration of your number.",
            count(failed),
            count(sent)
        );
        advice("texts_failed", text, &[("nmc.texts_sent", sent), ("nmc.texts_failed", failed)])
    })
}

fn missed_number(report: &ReportContent) -> Option<Advice> {
    let several = report.numbers.iter().filter(|entry| entry.inbound > 0).count() > 1;
    let missed = |entry: &&super::NumberEntry| {
        entry.unanswered >= FEWEST_MISSED && is_share(entry.unanswered.into(), entry.inbound.into(), 50) && entry.number.is_some()
    };
    let worst = report.numbers.iter().filter(missed).max_by_key(|entry| entry.unanswered).filter(|_| several)?;
    let text = format!(
        "{} of {} calls to {} were missed. Check which phone this number rings.",
        count(worst.unanswered.into()),
        count(worst.inbound.into()),
        worst.number.as_deref()?
    );
    Some(advice(
        "missed_number",
        text,
        &[("number.unanswered", worst.unanswered.into()), ("number.inbound", worst.inbound.into())],
    ))
}

/// The hour, or two in a row, with at least a third of what was missed.
fn missed_hours(report: &ReportContent) -> Option<Advice> {
    let mut by_hour = [0_u64; 24];
    for row in &report.hours.unanswered {
        for (sum, missed) in by_hour.iter_mut().zip(row) {
            *sum = sum.saturating_add(*missed);
        }
    }
    let all: u64 = by_hour.iter().sum();
    if all < FEWEST_MISSED {
        return None;
    }
    // The first of those that are alike: a report says the same each time it is made.
    let best = |width: usize| {
        let sums = by_hour.windows(width).enumerate().map(|(from, hours)| (from, hours.iter().sum::<u64>()));
        sums.fold((0, 0), |best, next| if next.1 > best.1 { next } else { best })
    };
    let share = |missed: u64, percent| is_share(missed.into(), all.into(), percent);
    let (one, two) = (best(1), best(2));
    let (from, missed, width) = if share(one.1, 34) {
        (one.0, one.1, 1)
    } else if share(two.1, 34) {
        (two.0, two.1, 2)
    } else {
        return None;
    };
    let until = from.saturating_add(width);
    let text = format!(
        "{} of {} missed calls came between {} and {}. Have someone answer then.",
        count(missed.into()),
        count(all.into()),
        hour(from),
        hour(until)
    );
    let number = |value: usize| Decimal::from(value);
    let basis =
        [("missed", missed.into()), ("missed_in_all", all.into()), ("from_hour", number(from)), ("until_hour", number(until))];
    Some(advice("missed_hours", text, &basis))
}

/// The weekday with two fifths of what was missed, where every weekday had its chance.
fn missed_weekday(report: &ReportContent) -> Option<Advice> {
    if report.period.days < 7 {
        return None;
    }
    let sums = report.hours.unanswered.iter().map(|row| row.iter().sum::<u64>());
    let all: u64 = sums.clone().sum();
    let (day, missed) = sums.enumerate().fold((0, 0), |best, next| if next.1 > best.1 { next } else { best });
    if all < FEWEST_MISSED || !is_share(missed.into(), all.into(), 40) {
        return None;
    }
    let text = format!(
        "{} of {} missed calls came on a {}. Plan for one more to answer.",
        count(missed.into()),
        count(all.into()),
        WEEKDAYS.get(day)?
    );
    let basis = [("missed", missed.into()), ("missed_in_all", all.into()), ("weekday", Decimal::from(day.saturating_add(1)))];
    Some(advice("missed_weekday", text, &basis))
}

/// Half of the calls and more, where no number, hour or weekday accounts for them.
fn missed_most(report: &ReportContent) -> Option<Advice> {
    let (calls, missed) = (report.total("nmc.calls_inbound"), report.total("nmc.calls_unanswered"));
    let is_said = [missed_number, missed_hours, missed_weekday].iter().any(|rule| rule(report).is_some());
    (!is_said && missed >= Decimal::from(3) && is_share(missed, calls, 50)).then(|| {
        let text =
            format!("{} of {} calls were missed. Have them ring a phone that somebody carries.", count(missed), count(calls));
        advice("missed_most", text, &[("nmc.calls_unanswered", missed), ("nmc.calls_inbound", calls)])
    })
}

fn slow_answers(report: &ReportContent) -> Option<Advice> {
    let minutes = report.kpi("first_response_open_minutes")?.value?;
    let responded = report.total("nmc.conversations_responded");
    (minutes > Decimal::from(SLOW_MINUTES) && responded >= Decimal::from(3)).then(|| {
        let text = format!(
            "Customers waited {} of business hours for a first answer to their text, on average. Most hire who answers first.",
            display(minutes, "minutes")
        );
        advice("slow_answers", text, &[("first_response_open_minutes", minutes), ("nmc.conversations_responded", responded)])
    })
}

fn piling_up(report: &ReportContent) -> Option<Advice> {
    let (opened, resolved) = (report.total("nmc.conversations_opened"), report.total("nmc.conversations_resolved"));
    let more = opened - resolved;
    (more >= Decimal::from(5) && is_share(more, opened, 30)).then(|| {
        let text = format!(
            "{} conversations began and {} were resolved. Close those that are done, so that the open ones stand out.",
            count(opened),
            count(resolved)
        );
        advice("piling_up", text, &[("nmc.conversations_opened", opened), ("nmc.conversations_resolved", resolved)])
    })
}

fn opt_outs(report: &ReportContent) -> Option<Advice> {
    let (outs, sent) = (report.total("nmc.opt_outs"), report.total("nmc.texts_sent"));
    (outs >= Decimal::from(3) && is_share(outs, sent, 3)).then(|| {
        let text = format!(
            "{} people asked for no more texts, after {} texts sent. Write shorter, and only about their job.",
            count(outs),
            count(sent)
        );
        advice("opt_outs", text, &[("nmc.opt_outs", outs), ("nmc.texts_sent", sent)])
    })
}

fn results_unknown(report: &ReportContent) -> Option<Advice> {
    let (replied, converted) = (report.total("nmc.calls_replied"), report.total("nmc.calls_converted"));
    (replied >= Decimal::from(FEWEST_MISSED) && converted.is_zero()).then(|| {
        let text = format!(
            "{} missed callers wrote back, and none is marked as a job. Mark those who hired you: the next report shows what they earned.",
            count(replied)
        );
        advice("results_unknown", text, &[("nmc.calls_replied", replied), ("nmc.calls_converted", converted)])
    })
}
