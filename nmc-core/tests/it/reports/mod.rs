//! What reports say, and their renderings. That a PDF says what the JSON says needs a program that reads PDFs: see
//! `tests/report_renderings.rs`.

mod made;
mod mailed;
mod sample;
mod scheduled;

use nmc_core::chrono::{Days, TimeDelta};
use nmc_core::reports::{CsvOptions, Figures, MOST_DAYS, NumberEntry, Paper, PersonEntry, ReportContent, ReportKind, Step};
use nmc_core::rust_decimal::Decimal;
use nmc_core::serde_json::Value;
use nmc_core::{Error, serde_json};
use sample::facts;
use std::collections::BTreeMap;

fn weekly() -> ReportContent {
    ReportContent::compose(facts(ReportKind::Weekly, 7)).unwrap()
}

fn csv(report: &ReportContent, options: CsvOptions) -> String {
    String::from_utf8(report.to_csv(options).unwrap()).unwrap()
}

/// Names that want to be something else.
const HOSTILE: [&str; 14] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(1)",
    "\tx",
    "\u{ff1d}1+1",
    "\u{ff0b}1",
    "\u{ff0d}1",
    "\u{ff20}SUM(1)",
    " \u{a0}=1+1",
    "\u{feff}\u{200b}=1+1",
    "\u{1}\u{202e}@SUM(1)",
    "\"quoted\",\r\nsecond line",
    "שלום \u{202e}gpj.exe \u{1f469}\u{200d}\u{1f527}",
];

fn hostile() -> ReportContent {
    let mut facts = facts(ReportKind::Weekly, 7);
    facts.business = format!("{}\0", "Ẅ".repeat(200));
    facts.people = HOSTILE.map(|name| PersonEntry { name: Some(name.to_owned()), opened: 1, resolved: 1 }).into();
    ReportContent::compose(facts).unwrap()
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_u64() && !number.is_i64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(fields) => fields.values().any(has_float),
        _ => false,
    }
}

#[test]
fn report_in_json_reads_back_and_has_no_float() {
    let report = weekly();
    let json = serde_json::to_value(&report).unwrap();
    assert!(!has_float(&json));
    assert_eq!(json["period"]["title"], "Week of January 5 – 11, 2026");
    assert_eq!(json["hours"]["unanswered"][0][12], 1);
    assert_eq!(json["totals"][0]["value"], "51");
    assert_eq!(serde_json::from_value::<ReportContent>(json).unwrap(), report);
}

#[test]
fn longest_reports_fit_into_their_column() {
    for days in [62, 366] {
        let mut facts = facts(ReportKind::Custom, days);
        facts.business = "Ẅ".repeat(200);
        let name = |at: usize| Some(format!("{at}{}", "\u{1f527}".repeat(199)));
        facts.people = (0..500).map(|at| PersonEntry { name: name(at), opened: 1, resolved: 1 }).collect();
        facts.numbers =
            (0..500).map(|at| NumberEntry { number: Some(format!("+1555{at:011}")), inbound: 1, ..Default::default() }).collect();
        for day in facts.figures.values_mut() {
            day.extend((0..31).map(|at| (format!("nmc.a_figure_with_a_long_name_{at}"), "99999999999.1234".parse().unwrap())));
        }
        let report = ReportContent::compose(facts).unwrap();
        assert_eq!((report.people.len(), report.numbers.len()), (51, 51));
        assert_eq!(report.numbers.last().unwrap(), &NumberEntry { number: None, inbound: 450, ..Default::default() });
        let bytes = serde_json::to_vec(&report).unwrap().len();
        assert!(bytes < 256 * 1024, "{days} days: {bytes}");
    }
}

#[test]
fn long_periods_are_summed_by_week_or_month() {
    for (days, step, entries) in
        [(1, Step::Day, 1), (62, Step::Day, 62), (63, Step::Week, 9), (182, Step::Week, 26), (366, Step::Month, 13)]
    {
        let mut facts = facts(ReportKind::Custom, days);
        // Not from a Monday: the first week is shorter.
        let whole: Decimal = facts.figures.values().map(|day| day["nmc.texts_cost"]).sum();
        facts.kpis.clear();
        let report = ReportContent::compose(facts).unwrap();
        assert_eq!((report.step, report.course.len()), (step, entries), "{days} days");
        let sum: Decimal = report.course.iter().map(|entry| entry.figures["nmc.texts_cost"]).sum();
        assert_eq!((sum, report.total("nmc.texts_cost")), (whole, whole));
        assert!(report.course.windows(2).all(|pair| pair[0].last_day + Days::new(1) == pair[1].first_day));
        let ends = (report.course[0].first_day, report.course.last().unwrap().last_day);
        assert_eq!(ends, (report.period.first_day, report.period.last_day));
    }
}

#[test]
fn period_without_days_or_with_too_many_is_refused() {
    let mut none = facts(ReportKind::Custom, 3);
    none.days = (none.days.1, none.days.0);
    for facts in [none, facts(ReportKind::Custom, u64::from(MOST_DAYS) + 1)] {
        let error = ReportContent::compose(facts).unwrap_err();
        assert!(matches!(&error, Error::Invalid { .. }) && error.to_string().starts_with("until"), "{error}");
    }
}

#[test]
fn report_in_csv_is_as_it_was() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reports/weekly.csv");
    let now = csv(&weekly(), CsvOptions::default());
    if std::env::var_os("NMC_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(path).unwrap();
    for (now, then) in now.split_inclusive('\n').zip(then.split_inclusive('\n')) {
        assert_eq!(now, then, "NMC_BLESS=1 rewrites it");
    }
    assert_eq!(now.len(), then.len());
}

#[test]
fn names_like_formulas_are_text_in_csv() {
    let report = hostile();
    let read = |text: &str| -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let text = csv(&report, CsvOptions::default());
    assert!(!text.contains('\0'));
    let rows = read(&text);
    let names: Vec<_> = rows.iter().filter(|row| row[0] == "person").map(|row| row[3].clone()).collect();
    for name in HOSTILE {
        let is_harmless = name.starts_with(['"', 'ש']);
        let guarded = if is_harmless { name.to_owned() } else { format!("'{name}") };
        assert!(names.contains(&guarded), "{guarded} of {names:?}");
    }
    assert!(rows.iter().any(|row| row[0] == "number" && row[3] == "+15550100000"), "a phone number is one");
    assert!(rows.iter().any(|row| row[12] == "-17.65"), "a negative number is one");
    let safe = csv(&report, CsvOptions { spreadsheet_safe: true, bom: true });
    assert!(safe.starts_with('\u{feff}'));
    let cells = read(&safe).concat();
    assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
    assert!(cells.iter().any(|cell| cell == "'+15550100000") && cells.iter().any(|cell| cell == "'-17.65"));
}

#[test]
fn report_in_pdf_is_the_same_bytes_each_time_and_small() {
    for report in [weekly(), hostile(), ReportContent::compose(facts(ReportKind::Custom, 366)).unwrap()] {
        let pdf = report.to_pdf(Paper::usual_in(&report.zone)).unwrap();
        assert!(pdf == report.to_pdf(Paper::Letter).unwrap(), "the bytes differ");
        assert!(pdf != report.to_pdf(Paper::A4).unwrap());
        assert!(pdf.len() < 200_000, "{}", pdf.len());
        let has = |part: &str| pdf.windows(part.len()).any(|bytes| bytes == part.as_bytes());
        assert!(has("/Lang(en-US)") && has("/Marked true") && has("/Alt"), "not tagged");
    }
}

#[test]
fn report_of_nothing_is_still_one() {
    let mut facts = facts(ReportKind::Daily, 1);
    facts.figures = BTreeMap::new();
    (facts.hours, facts.kpis, facts.numbers, facts.people) = Default::default();
    facts.figures_before = Figures::from([("nmc.calls_inbound".to_owned(), Decimal::from(12))]);
    let report = ReportContent::compose(facts).unwrap();
    assert_eq!(report.advice.len(), 1);
    assert_eq!(
        report.advice[0].text,
        "Nobody called, after 12 calls in the period before. Call your number, and see that it rings."
    );
    assert!(!report.to_pdf(Paper::A4).unwrap().is_empty());
    assert!(csv(&report, CsvOptions::default()).contains("total,nmc.calls_inbound,Calls,,,,,,calls,0,12,,,,\r\n"));
}

#[test]
fn report_of_a_period_that_goes_on_says_so_far() {
    let mut so_far = facts(ReportKind::Weekly, 7);
    so_far.computed_at = so_far.span.1 - TimeDelta::seconds(1);
    let report = ReportContent::compose(so_far.clone()).unwrap();
    assert!(!report.complete && weekly().complete);
    assert_eq!(report.period.title, "Week of January 5 – 11, 2026 (so far)");
    let text = csv(&report, CsvOptions::default());
    assert!(text.contains("report,complete,,,,,,,,,,,,,false\r\n"), "{text}");
    // Who has not called yet may do so.
    so_far.figures = BTreeMap::new();
    (so_far.hours, so_far.numbers) = Default::default();
    let rules = |facts| ReportContent::compose(facts).unwrap().advice.into_iter().map(|advice| advice.rule).collect::<Vec<_>>();
    assert_eq!(rules(so_far.clone()), Vec::<String>::new());
    so_far.computed_at = so_far.span.1;
    assert_eq!(rules(so_far), ["no_calls"]);
}

#[test]
fn files_of_a_report_are_named_for_what_it_is_of() {
    let mut custom = facts(ReportKind::Custom, 12);
    custom.business = "Зоя & Co.".to_owned();
    assert_eq!(weekly().file_stem(), "report-ace-plumbing-sohne-weekly-2026-01-05");
    assert_eq!(ReportContent::compose(custom.clone()).unwrap().file_stem(), "report-зоя-co-custom-2026-01-05-2026-01-16");
    custom.business = "\u{1f527}".to_owned();
    assert_eq!(ReportContent::compose(custom).unwrap().file_stem(), "report-custom-2026-01-05-2026-01-16");
}

#[test]
fn numbers_of_others_share_a_line_at_the_end() {
    let mut facts = facts(ReportKind::Weekly, 7);
    let foreign = NumberEntry { number: None, inbound: 400, answered: 300, unanswered: 100 };
    facts.numbers.splice(0..0, [foreign.clone(), foreign]);
    let numbers = ReportContent::compose(facts).unwrap().numbers;
    assert_eq!(numbers.iter().map(|entry| entry.number.is_some()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!((numbers[2].inbound, numbers[2].answered, numbers[2].unanswered), (800, 600, 200));
}

#[test]
fn advice_names_the_hour_and_what_it_rests_on() {
    let report = weekly();
    let advice = report.advice.iter().find(|advice| advice.rule == "missed_hours").unwrap();
    assert_eq!(advice.text, "18 of 18 missed calls came between noon and 1 pm. Have someone answer then.");
    let basis: Vec<_> = advice.basis.iter().map(|basis| (basis.name.as_str(), basis.value.to_string())).collect();
    let expected = [("missed", "18"), ("missed_in_all", "18"), ("from_hour", "12"), ("until_hour", "13")];
    assert_eq!(basis, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn day_on_which_most_calls_are_missed_stands_out() {
    let rules = |calls: i64, missed: i64| {
        let mut facts = facts(ReportKind::Daily, 1);
        facts.hours = Default::default();
        facts.numbers = Vec::new();
        let counts = [("nmc.calls_inbound", calls), ("nmc.calls_unanswered", missed), ("nmc.calls_texted_back", missed)];
        *facts.figures.values_mut().next().unwrap() =
            counts.into_iter().map(|(name, count)| (name.to_owned(), Decimal::from(count))).collect();
        let report = ReportContent::compose(facts).unwrap();
        report.advice.into_iter().map(|advice| (advice.rule, advice.text)).collect::<Vec<_>>()
    };
    let text = "3 of 3 calls were missed. Have them ring a phone that somebody carries.";
    assert_eq!(rules(3, 3), [("missed_most".to_owned(), text.to_owned())]);
    assert_eq!((rules(6, 3).len(), rules(7, 3).len(), rules(2, 2).len()), (1, 0, 0));
    // Where an hour accounts for them, that is said once.
    let mut at_noon = facts(ReportKind::Weekly, 7);
    at_noon.figures.values_mut().next().unwrap().insert("nmc.calls_unanswered".to_owned(), Decimal::from(40));
    let said: Vec<_> = ReportContent::compose(at_noon).unwrap().advice.into_iter().map(|advice| advice.rule).collect();
    assert!(said.contains(&"missed_hours".to_owned()) && !said.contains(&"missed_most".to_owned()), "{said:?}");
}

#[test]
fn advice_is_silent_where_nothing_stands_out() {
    let quiet = |change: &dyn Fn(&mut nmc_core::reports::ReportFacts)| {
        let mut facts = facts(ReportKind::Weekly, 7);
        facts.hours = Default::default();
        for day in facts.figures.values_mut() {
            day.remove("nmc.calls_replied");
        }
        change(&mut facts);
        let report = ReportContent::compose(facts).unwrap();
        report.advice.iter().map(|advice| advice.rule.clone()).collect::<Vec<_>>().join(" ")
    };
    let put = |facts: &mut nmc_core::reports::ReportFacts, name: &str, value: i64| {
        facts.figures.values_mut().next().unwrap().insert(name.to_owned(), Decimal::from(value));
    };
    assert_eq!(quiet(&|_| ()), "");
    assert_eq!(quiet(&|facts| put(facts, "nmc.calls_texted_back", -3)), "texts_not_sent");
    assert_eq!(quiet(&|facts| put(facts, "nmc.texts_failed", 3)), "texts_failed");
    assert_eq!(quiet(&|facts| put(facts, "nmc.texts_failed", 2)), "");
    assert_eq!(quiet(&|facts| put(facts, "nmc.opt_outs", 3)), "opt_outs");
    assert_eq!(quiet(&|facts| put(facts, "nmc.conversations_opened", 5)), "piling_up");
    assert_eq!(quiet(&|facts| put(facts, "nmc.calls_replied", 5)), "results_unknown");
    assert_eq!(quiet(&|facts| facts.numbers[0].unanswered = facts.numbers[0].inbound), "missed_number");
    assert_eq!(quiet(&|facts| facts.hours.unanswered[6] = [1; 24]), "missed_weekday");
}
