//! Rules judged over time: what an evaluation every minute makes of a history, and what a replay of it does.

use super::{Scene, dec, rule};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::{AlertMove, AlertRule, AlertRulePatch, Judgement, NewAlertRule, Sample, evaluate_all, timeline};
use nmc_core::tenants::{BusinessHours, TenantPatch};
use nmc_core::{AlertOperator as Op, AlertRuleId, AlertSeverity, AlertStatus, NoDataPolicy as NoData, Patch};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A rule's terms, a value each minute (`-`: none), and what each minute brings: an alert is raised (R) over a value or for silence (S),
/// is over (C), or is noted as flapping (F).
struct Case(Op, &'static str, Judgement, &'static str, &'static str);

fn by_default() -> Judgement {
    Judgement::default()
}

fn pending(minutes: i32) -> Judgement {
    Judgement { pending_seconds: minutes * 60, ..by_default() }
}

fn keep(minutes: i32) -> Judgement {
    Judgement { keep_firing_seconds: minutes * 60, ..by_default() }
}

fn recovery(value: &str) -> Judgement {
    Judgement { recovery_threshold: Some(dec(value)), ..by_default() }
}

fn silent(no_data_policy: NoData, minutes: i32) -> Judgement {
    Judgement { no_data_policy, no_data_seconds: minutes * 60, ..by_default() }
}

fn flap(changes: i32, minutes: i32) -> Judgement {
    Judgement { flap_changes: Some(changes), flap_seconds: minutes * 60, ..by_default() }
}

#[rustfmt::skip] // a table: one line each
fn cases() -> Vec<Case> {
    let above = |terms, values, moves| Case(Op::GreaterThan, "10", terms, values, moves);
    let below = |terms, values, moves| Case(Op::LessThan, "5", terms, values, moves);
    vec![
        // One value decides.
        above(by_default(), "3 11 11 3 11", ". R . C R"),
        above(by_default(), "10 10.0001 10", ". R C"),
        above(by_default(), "- - 11 - -", ". . R . ."),
        above(by_default(), "11 - - - 3", "R . . . C"),
        above(by_default(), "11 3 11 3 11 3", "R C R C R C"),
        above(by_default(), "3 3 3", ". . ."),
        above(by_default(), "- - -", ". . ."),
        below(by_default(), "6 4 5", ". R C"),
        Case(Op::Equals, "0", by_default(), "1 0 0 0.0001", ". R . C"),
        Case(Op::NotEquals, "0", by_default(), "0 1 0", ". R C"),
        // It must hold for a while.
        above(pending(2), "11 11 11 11", ". . R ."),
        above(pending(2), "11 11 3 11 11 11", ". . . . . R"),
        above(pending(2), "11 - 11 - 11", ". . R . ."),
        above(pending(2), "11 3 3", ". . ."),
        above(pending(1), "11 11 3", ". R C"),
        above(pending(10_080), "11 11 11", ". . ."),
        below(pending(1), "4 4 6", ". R C"),
        // A gap begins anew.
        above(Judgement { pending_seconds: 120, ..silent(NoData::Keep, 1) }, "11 - - 11 11 11", ". . . . . R"),
        above(Judgement { pending_seconds: 120, ..silent(NoData::Keep, 3) }, "11 - 11", ". . R"),
        above(Judgement { pending_seconds: 60, ..silent(NoData::Ok, 1) }, "11 - 11 11", ". . . R"),
        // It must come back further than it went.
        above(recovery("5"), "11 8 6 5", "R . . C"),
        above(recovery("5"), "8 8 11 8 11 4", ". . R . . C"),
        above(recovery("5"), "6 11 6 3 8", ". R . C ."),
        above(recovery("10"), "11 10", "R C"),
        below(recovery("8"), "4 6 7.9999 8", "R . . C"),
        // It must be over for a while.
        above(keep(2), "11 3 3 3", "R . . C"),
        above(keep(2), "11 3 11 3 3 3", "R . . . . C"),
        above(keep(2), "11 3 - 3", "R . . C"),
        above(keep(1), "11 3 3", "R . C"),
        above(keep(10_080), "11 3 3 3", "R . . ."),
        Case(Op::Equals, "0", keep(1), "0 1 1", "R . C"),
        above(Judgement { keep_firing_seconds: 60, ..recovery("5") }, "11 7 4 4", "R . . C"),
        above(
            Judgement { pending_seconds: 120, keep_firing_seconds: 120, ..recovery("8") }, "11 11 11 9 8 8 8", ". . R . . . C",
        ),
        // Silence.
        above(silent(NoData::Alert, 2), "3 - - - 3", ". . . S C"),
        above(silent(NoData::Alert, 2), "3 - - - 11 3", ". . . S . C"),
        above(silent(NoData::Alert, 2), "11 - - - - 3", "R . . . . C"),
        above(silent(NoData::Alert, 2), "- - - - -", ". . S . ."),
        above(silent(NoData::Alert, 2), "- - - 3 - - - -", ". . S C . . S ."),
        above(silent(NoData::Ok, 2), "11 - - - -", "R . . C ."),
        above(silent(NoData::Ok, 2), "11 - - - 11", "R . . C R"),
        above(silent(NoData::Keep, 2), "11 - - - - -", "R . . . . ."),
        above(Judgement { pending_seconds: 60, ..silent(NoData::Alert, 2) }, "11 - - - 11 11", ". . . S . ."),
        // Flapping.
        above(flap(3, 5), "11 3 11 3 3 3 3 3 3", "R C R F . . . . C"),
        above(flap(3, 5), "11 3 11 3 11 3 3 3 3 3 3", "R C R F . . . . . . C"),
        above(flap(2, 5), "11 3 11 3 3 3 3 3 3", "R C R . . . . . C"),
        above(flap(3, 2), "11 3 3 11 3 3 11 3", "R C . R C . R C"),
    ]
}

impl Scene {
    fn hours(&self) -> BusinessHours {
        self.run(|tx| tx.tenants().business_hours()).unwrap()
    }

    /// Lets the business be open from so many minutes from now, and until so many.
    fn open_from(&self, from: i64, until: i64) -> BusinessHours {
        let zone: chrono_tz::Tz = self.hours().zone.to_string().parse().unwrap();
        let at = |minutes| Some((self.now() + TimeDelta::minutes(minutes)).with_timezone(&zone).time());
        let patch = TenantPatch { business_hours_start: at(from), business_hours_end: at(until), ..TenantPatch::default() };
        self.run(|tx| tx.tenants().update(&patch)).unwrap();
        self.hours()
    }

    /// What happened to alerts at this instant, by rule: the letters of a case, each with what people are told of it.
    fn moves_at(&self, at: DateTime<Utc>) -> BTreeMap<String, String> {
        let told: Vec<String> = self.db.query(&format!(
            "SELECT a.rule_id || ' ' || string_agg(
                 CASE h.event_type WHEN 'resolved' THEN 'C{{' || (h.details ->> 'value') || '}}'
                     WHEN 'flapping' THEN 'F{{' || (h.details ->> 'changes') || '}}'
                     WHEN 'triggered' THEN CASE WHEN a.message LIKE '%: nothing has been measured of %' THEN 'S' ELSE 'R' END
                         || '{{' || trim_scale(a.metric_value) || ' ' || a.message || '}}' END,
                 '' ORDER BY h.event_type)
             FROM alert_history h JOIN alerts a ON a.tenant_id = h.tenant_id AND a.id = h.alert_id
             WHERE h.created_at = '{at}' GROUP BY a.rule_id"
        ));
        told.iter().map(|line| line.split_once(' ').unwrap()).map(|(rule, moves)| (rule.to_owned(), moves.to_owned())).collect()
    }
}

/// A move of a rule whose last value before it is this one, as [`Scene::moves_at`] tells it.
fn in_words(rule: &AlertRule, made: AlertMove, last: Option<Decimal>) -> String {
    let last = last.unwrap_or_default().normalize();
    let (name, metric) = (&rule.name, &rule.metric);
    let relation = match rule.operator {
        Op::GreaterThan => "above",
        Op::LessThan => "below",
        Op::Equals => "equal to",
        Op::NotEquals => "different from",
    };
    match made {
        AlertMove::Raise(value) => {
            let (value, threshold) = (value.normalize(), rule.threshold.normalize());
            format!("R{{{value} {name}: {metric} is {value}, {relation} {threshold}}}")
        }
        AlertMove::RaiseForSilence(since) => {
            let since = since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            format!("S{{{last} {name}: nothing has been measured of {metric} since {since}}}")
        }
        AlertMove::Clear(value) => format!("C{{{}}}", value.map_or(last, |value| value.normalize())),
        AlertMove::Flap(changes) => format!("F{{{changes}}}"),
    }
}

/// The letters alone.
fn letters(told: &str) -> String {
    told.split('{').map(|part| part.rsplit('}').next().unwrap_or(part)).collect()
}

/// A history: rules, the values of each one's metric by minute, and the minutes at which somebody evaluates.
struct History {
    rules: Vec<(AlertRule, BTreeMap<usize, &'static str>)>,
    evaluated: Vec<bool>,
    hours: BusinessHours,
}

impl History {
    /// What evaluations bring each minute, by rule.
    fn lived(&self, scene: &Scene) -> Vec<Vec<String>> {
        let mut lived = vec![Vec::new(); self.rules.len()];
        for (minute, is_evaluated) in self.evaluated.iter().enumerate() {
            let at = scene.after(1);
            scene
                .run(|tx| {
                    for (rule, values) in &self.rules {
                        if let Some(value) = values.get(&minute) {
                            tx.measurements().record(&rule.metric, dec(value), at)?;
                        }
                    }
                    Ok(())
                })
                .unwrap();
            if *is_evaluated {
                scene.run(evaluate_all).unwrap();
            }
            let moves = scene.moves_at(at);
            for ((rule, _), lived) in self.rules.iter().zip(&mut lived) {
                lived.push(moves.get(&rule.id.to_string()).map_or_else(|| ".".to_owned(), Clone::clone));
            }
        }
        lived
    }

    /// What a replay from `start` brings each minute, by rule.
    fn replayed(&self, start: DateTime<Utc>) -> Vec<Vec<String>> {
        let at = |minute: usize| start + TimeDelta::minutes(i64::try_from(minute).unwrap() + 1);
        let evaluated: Vec<DateTime<Utc>> =
            self.evaluated.iter().enumerate().filter(|(_, is)| **is).map(|(minute, _)| at(minute)).collect();
        let of = |(rule, values): &(AlertRule, BTreeMap<usize, &'static str>)| {
            let samples: Vec<Sample> =
                values.iter().map(|(minute, value)| Sample { at: at(*minute), value: dec(value) }).collect();
            let moves = timeline(rule, &self.hours, &samples, &evaluated);
            let told = |minute| {
                let last = samples.iter().rev().find(|sample| sample.at <= at(minute)).map(|sample| sample.value);
                let mut told: Vec<String> =
                    moves.iter().filter(|entry| entry.at == at(minute)).map(|entry| in_words(rule, entry.made, last)).collect();
                // As the log of an instant is read: by the names of the events.
                told.sort_by_key(|told| "FCRS".find(&told[..1]));
                if told.is_empty() { ".".to_owned() } else { told.concat() }
            };
            (0..self.evaluated.len()).map(told).collect()
        };
        self.rules.iter().map(of).collect()
    }
}

fn create(scene: &Scene, name: &str, operator: Op, threshold: &str, judgement: Judgement) -> AlertRule {
    let new = NewAlertRule { metric: name.to_owned(), operator, threshold: dec(threshold), judgement, ..rule(name) };
    scene.rule(&new)
}

#[test]
fn alerts_outside_business_hours_wait_for_the_opening() {
    let scene = Scene::new();
    let hours = scene.open_from(3, 6);
    let cases = [
        (by_default(), "11 11 11 11 11", ". . R . ."),
        // Nothing is new when it opens.
        (by_default(), "11 11 - - -", ". . . . ."),
        (by_default(), "11 3 11 3 11 3 3", ". . R C R C ."),
        (by_default(), "3 3 3 3 11 11 3", ". . . . R . C"),
        // What is open may end when it closes, and what begins then does not.
        (by_default(), "3 3 11 11 11 3 11", ". . R . . C ."),
        (pending(2), "11 11 11 11", ". . R ."),
        (silent(NoData::Alert, 1), "3 - - - - - 3", ". . S . . . C"),
        (silent(NoData::Alert, 1), "3 3 3 3 3 - -", ". . . . . . ."),
    ];
    let rules = cases.iter().enumerate().map(|(n, (terms, values, _))| {
        let terms = Judgement { only_when_open: true, ..terms.clone() };
        let row = create(&scene, &format!("case {n}"), Op::GreaterThan, "10", terms);
        (row, values.split(' ').enumerate().filter(|(_, value)| *value != "-").collect())
    });
    let history = History { rules: rules.collect(), evaluated: vec![true; 7], hours };
    let start = scene.now();
    let (lived, replayed) = (history.lived(&scene), history.replayed(start));
    for (((_, values, moves), lived), replayed) in cases.iter().zip(lived).zip(replayed) {
        let minutes = moves.split(' ').count();
        assert_eq!(letters(&lived[..minutes].join(" ")), *moves, "{values}");
        assert_eq!(replayed, lived, "{values}, replayed");
    }
}

#[test]
fn alerts_on_a_holiday_wait_for_the_day_after() {
    let scene = Scene::new();
    let zone: chrono_tz::Tz = scene.hours().zone.to_string().parse().unwrap();
    // It never closes, and the scene begins some minutes before midnight: the next day is a holiday, or the day before was.
    let patch = TenantPatch { business_hours_end: Some(scene.hours().opens), ..TenantPatch::default() };
    scene.run(|tx| tx.tenants().update(&patch)).unwrap();
    let cases = [
        (by_default(), "3 11 3 11 11 11", ". R C . . ."),
        // What is open may end, and what begins then does not.
        (by_default(), "3 3 11 3 11 3", ". . R C . ."),
        (silent(NoData::Alert, 1), "3 3 3 - - -", ". . . . . ."),
        (by_default(), "- - - - - 11", ". . . . . ."),
    ];
    let rules: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(n, (terms, values, _))| {
            let terms = Judgement { only_when_open: true, ..terms.clone() };
            let row = create(&scene, &format!("case {n}"), Op::GreaterThan, "10", terms);
            (row, values.split(' ').enumerate().filter(|(_, value)| *value != "-").collect::<BTreeMap<_, _>>())
        })
        .collect();
    let tomorrow = scene.now().with_timezone(&zone).date_naive().succ_opt().unwrap();
    let midnight = tomorrow.and_time(chrono::NaiveTime::MIN).and_local_timezone(zone).unwrap().with_timezone(&Utc);
    scene.after((midnight - scene.now()).num_minutes() - 4);
    scene.run(|tx| tx.holidays().upsert_by_day(tomorrow, "Founders' day")).unwrap();
    let history = History { rules, evaluated: vec![true; 6], hours: scene.hours() };
    let start = scene.now();
    let (lived, replayed) = (history.lived(&scene), history.replayed(start));
    for (((_, values, moves), lived), replayed) in cases.iter().zip(lived).zip(replayed) {
        assert_eq!(letters(&lived.join(" ")), *moves, "{values}");
        assert_eq!(replayed, lived, "{values}, replayed");
    }
    // The day after, the same values raise one alert of each rule.
    scene.after(24 * 60);
    let at = scene.now();
    scene
        .run(|tx| history.rules.iter().try_for_each(|(rule, _)| tx.measurements().record(&rule.metric, dec("11"), at).map(drop)))
        .unwrap();
    assert_eq!(scene.evaluated(), (4, 0));
}

#[test]
fn history_is_judged_alike_when_it_happens_and_after() {
    let (scene, cases) = (Scene::new(), cases());
    assert!(cases.len() >= 40);
    let longest = cases.iter().map(|Case(.., moves)| moves.split(' ').count()).max().unwrap();
    let rules = cases.iter().enumerate().map(|(n, Case(operator, threshold, terms, values, _))| {
        let row = create(&scene, &format!("case {n}"), *operator, threshold, terms.clone());
        assert_eq!(row.judgement, *terms);
        (row, values.split(' ').enumerate().filter(|(_, value)| *value != "-").collect())
    });
    let history = History { rules: rules.collect(), evaluated: vec![true; longest], hours: scene.hours() };
    let start = scene.now();
    let (lived, replayed) = (history.lived(&scene), history.replayed(start));
    for (((n, Case(.., values, moves)), lived), replayed) in cases.iter().enumerate().zip(lived).zip(replayed) {
        let minutes = moves.split(' ').count();
        assert_eq!(letters(&lived[..minutes].join(" ")), *moves, "case {n}: {values}");
        assert_eq!(replayed, lived, "case {n}, replayed: {values}");
    }
}

fn any_judgement() -> impl Strategy<Value = Judgement> {
    let seconds = |most: i32| (0..=most).prop_map(|minutes| minutes * 60);
    let policy = prop_oneof![Just(NoData::Keep), Just(NoData::Alert), Just(NoData::Ok)];
    let recovery = prop_oneof![Just(None), Just(Some(dec("5"))), Just(Some(dec("10")))];
    (seconds(4), recovery, seconds(4), policy, 1..6, proptest::option::of(2..5), 1..8, proptest::bool::weighted(0.3)).prop_map(
        |(
            pending_seconds,
            recovery_threshold,
            keep_firing_seconds,
            no_data_policy,
            silence,
            flap_changes,
            calm,
            only_when_open,
        )| Judgement {
            pending_seconds,
            recovery_threshold,
            keep_firing_seconds,
            no_data_policy,
            no_data_seconds: silence * 60,
            flap_changes,
            flap_seconds: calm * 60,
            only_when_open,
        },
    )
}

#[test]
fn random_history_is_judged_alike_however_often_anybody_looks() {
    const MINUTES: usize = 40;
    let (scene, mut random) = (Scene::new(), TestRunner::deterministic());
    let value = prop_oneof![3 => Just("11"), 2 => Just("3"), 1 => Just("7"), 2 => Just("-")];
    let values = proptest::collection::vec(value, MINUTES);
    let rules = (0..60).map(|n| {
        let (terms, values) = (any_judgement(), &values).new_tree(&mut random).unwrap().current();
        let row = create(&scene, &format!("rule {n}"), Op::GreaterThan, "10", terms);
        (row, values.into_iter().enumerate().filter(|(_, value)| *value != "-").collect())
    });
    let rules: Vec<_> = rules.collect();
    // Every minute, or as it comes: never more than five minutes apart.
    let evaluated = (0..MINUTES).map(|minute| minute % 5 == 4 || minute % 7 < 3).collect();
    let history = History { rules, evaluated, hours: scene.open_from(10, 30) };
    let start = scene.now();
    let (lived, replayed) = (history.lived(&scene), history.replayed(start));
    let moves = lived.iter().flatten().filter(|told| *told != ".").count();
    assert!(moves > 120, "something happens: {moves}");
    for (((rule, values), lived), replayed) in history.rules.iter().zip(lived).zip(replayed) {
        assert_eq!(lived, replayed, "{:?} {values:?}", rule.judgement);
    }
}

#[test]
fn value_that_is_late_or_there_twice_is_not_judged_again() {
    let scene = Scene::new();
    let rule = create(&scene, "calls", Op::GreaterThan, "10", by_default());
    let (early, late) = (scene.after(1), scene.after(1));
    let measured = |value: &str, at| {
        scene.run(|tx| tx.measurements().record("calls", dec(value), at)).unwrap();
        let told = scene.run(evaluate_all).unwrap();
        (told.raised.len(), told.resolved.len())
    };
    assert_eq!(measured("3", late), (0, 0));
    assert_eq!(measured("11", early), (0, 0), "it has been overtaken");
    assert_eq!(measured("11", late), (0, 0), "what was measured then has been judged");
    assert_eq!(measured("11", scene.after(1)), (1, 0));
    // Whoever settles it by hand does not get it again over the same value.
    let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule.id)).unwrap().unwrap();
    scene.run_as(scene.ada, |tx| tx.alerts().resolve(alert.id, None)).unwrap();
    for _ in 0..2 {
        scene.after(1);
        assert_eq!(scene.run(evaluate_all).unwrap().raised, []);
    }
    assert_eq!(measured("12", scene.after(1)), (1, 0));
    // Another threshold judges the last value anew, in both directions.
    let threshold = |value: &str| {
        scene.after(1);
        let patch = AlertRulePatch { threshold: Some(dec(value)), ..AlertRulePatch::default() };
        scene.run(|tx| tx.alert_rules().update(rule.id, &patch)).unwrap();
        let told = scene.run(evaluate_all).unwrap();
        (told.raised.len(), told.resolved.len())
    };
    assert_eq!([threshold("20"), threshold("10"), threshold("11")], [(0, 1), (1, 0), (0, 0)]);
}

/// A value that comes late is not judged: the others come to what a replay of them alone does, and it is counted once.
#[test]
fn values_that_come_late_are_counted_and_passed_over() {
    let scene = Scene::new();
    let rule = create(&scene, "calls", Op::GreaterThan, "10", pending(2));
    let other = create(&scene, "texts", Op::GreaterThan, "10", by_default());
    let (start, mut lived, mut late) = (scene.now(), Vec::new(), Vec::new());
    // What is measured at each minute, and how many minutes later it comes.
    let measured = [("3", 0), ("11", 2), ("11", 0), ("11", 0), ("11", 0), ("3", 0)];
    for minute in 0..measured.len() {
        let now = scene.after(1);
        for (of, (value, _)) in measured.iter().enumerate().filter(|(of, (_, comes))| of + comes == minute) {
            let at = start + TimeDelta::minutes(i64::try_from(of).unwrap() + 1);
            scene.run(|tx| tx.measurements().record("calls", dec(value), at)).unwrap();
        }
        late.push(scene.run(evaluate_all).unwrap().late);
        lived.push(scene.moves_at(now).get(&rule.id.to_string()).map_or_else(|| ".".to_owned(), Clone::clone));
        assert_eq!(scene.moves_at(now).get(&other.id.to_string()), None);
    }
    assert_eq!((late, letters(&lived.join(" ")).as_str()), (vec![0, 0, 0, 1, 0, 0], ". . . . R C"));
    let replayed = |in_time_alone: bool| {
        let values = measured.iter().enumerate().filter(|(_, (_, comes))| !in_time_alone || *comes == 0);
        let values = values.map(|(minute, (value, _))| (minute, *value)).collect();
        let evaluated = vec![true; measured.len()];
        History { rules: vec![(rule.clone(), values)], evaluated, hours: scene.hours() }.replayed(start).remove(0)
    };
    assert_eq!(replayed(true), lived);
    assert_eq!(letters(&replayed(false).join(" ")), ". . . R . C", "as if it had come in time");
}

#[test]
fn snoozed_alert_goes_on_after_it_wakes() {
    let scene = Scene::new();
    create(&scene, "calls", Op::GreaterThan, "10", by_default());
    let measured = |value: &str| {
        let at = scene.after(1);
        scene.run(|tx| tx.measurements().record("calls", dec(value), at)).unwrap();
        scene.run(evaluate_all).unwrap()
    };
    let alert = measured("11").raised[0];
    let until = scene.now() + TimeDelta::hours(1);
    scene.run_as(scene.ada, |tx| tx.alerts().snooze(alert, until, None)).unwrap();
    assert_eq!((measured("3").resolved, measured("11").raised, measured("3").resolved), (vec![], vec![], vec![]));
    scene.run(|tx| tx.alerts().wake(alert)).unwrap();
    assert_eq!(scene.run(evaluate_all).unwrap().resolved, [alert]);
    assert_eq!(scene.run(|tx| tx.alerts().get(alert)).unwrap().status, AlertStatus::Resolved);
}

impl Scene {
    /// The numbers of alerts that an evaluation now raises and settles.
    fn evaluated(&self) -> (usize, usize) {
        let told = self.run(evaluate_all).unwrap();
        (told.raised.len(), told.resolved.len())
    }

    fn measures(&self, value: &str) {
        let at = self.after(1);
        self.run(|tx| tx.measurements().record("calls", dec(value), at)).unwrap();
    }
}

#[test]
fn metric_with_values_still_to_be_read_is_not_silent() {
    let scene = Scene::new();
    create(&scene, "calls", Op::GreaterThan, "10", silent(NoData::Alert, 2));
    scene.measures("3");
    assert_eq!(scene.evaluated(), (0, 0));
    // More than an evaluation reads, and nobody looked meanwhile.
    for _ in 0..250 {
        scene.measures("3");
    }
    assert_eq!([scene.evaluated(), scene.evaluated(), scene.evaluated(), scene.evaluated()], [(0, 0); 4]);
    scene.after(3);
    assert_eq!(scene.evaluated(), (1, 0), "and then it is");
}

#[test]
fn silence_that_began_in_a_snooze_is_told_after_it() {
    let scene = Scene::new();
    let rule = create(&scene, "calls", Op::GreaterThan, "10", silent(NoData::Ok, 2));
    scene.measures("11");
    assert_eq!(scene.evaluated(), (1, 0));
    let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule.id)).unwrap().unwrap().id;
    let until = scene.now() + TimeDelta::hours(1);
    scene.run_as(scene.ada, |tx| tx.alerts().snooze(alert, until, None)).unwrap();
    scene.after(5);
    assert_eq!(scene.evaluated(), (0, 0), "it sleeps");
    scene.run(|tx| tx.alerts().wake(alert)).unwrap();
    assert_eq!([scene.evaluated(), scene.evaluated()], [(0, 1), (0, 0)]);
}

#[test]
fn rule_changed_in_a_silence_is_judged_anew_for_it() {
    let scene = Scene::new();
    let rule = create(&scene, "calls", Op::GreaterThan, "10", silent(NoData::Keep, 2));
    scene.measures("3");
    scene.after(5);
    assert_eq!(scene.evaluated(), (0, 0), "silence is to change nothing");
    let change = |judgement: Judgement| {
        scene.after(1);
        let patch = AlertRulePatch { judgement: Some(judgement), ..AlertRulePatch::default() };
        scene.run(|tx| tx.alert_rules().update(rule.id, &patch)).unwrap();
        [scene.evaluated(), scene.evaluated()]
    };
    assert_eq!(change(silent(NoData::Alert, 2)), [(1, 0), (0, 0)], "it is to be an alert");
    assert_eq!(change(silent(NoData::Alert, 3)), [(0, 0), (0, 0)], "it still is one");
    assert_eq!(change(silent(NoData::Alert, 60)), [(0, 1), (0, 0)], "it is none yet");
    scene.after(60);
    assert_eq!(scene.evaluated(), (1, 0));
    assert_eq!(change(silent(NoData::Ok, 60)), [(0, 1), (0, 0)], "it is to be the end of one");
}

/// A rule whose alert over 30 was settled by hand.
fn settled(scene: &Scene) -> AlertRuleId {
    let rule = create(scene, "calls", Op::GreaterThan, "10", by_default());
    scene.measures("30");
    assert_eq!(scene.evaluated(), (1, 0));
    let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule.id)).unwrap().unwrap();
    scene.run_as(scene.ada, |tx| tx.alerts().resolve(alert.id, None)).unwrap();
    rule.id
}

impl Scene {
    fn change(&self, rule: AlertRuleId, patch: &AlertRulePatch) -> (usize, usize) {
        self.after(1);
        self.run(|tx| tx.alert_rules().update(rule, patch)).unwrap();
        self.evaluated()
    }
}

#[test]
fn rule_over_another_metric_knows_nothing_of_the_first() {
    let scene = Scene::new();
    let metric = |metric: &str| AlertRulePatch { metric: Some(metric.to_owned()), ..AlertRulePatch::default() };
    let rule = settled(&scene);
    assert_eq!(scene.change(rule, &metric("other")), (0, 0), "nobody has reported it");
    let record = |value: &str| {
        let at = scene.after(1);
        scene.run(|tx| tx.measurements().record("other", dec(value), at)).unwrap();
        scene.evaluated()
    };
    assert_eq!([record("10"), record("11")], [(0, 0), (1, 0)]);
    // What is there is judged at once, but the last value alone.
    let rule = create(&scene, "third", Op::GreaterThan, "10", by_default()).id;
    record("9");
    assert_eq!(scene.change(rule, &metric("other")), (0, 0));
    // Its silence begins with the change.
    let rule = create(&scene, "fourth", Op::GreaterThan, "10", silent(NoData::Alert, 5)).id;
    let at = scene.after(60);
    scene.run(|tx| tx.measurements().record("fourth", dec("1"), at)).unwrap();
    assert_eq!([scene.evaluated(), scene.change(rule, &metric("fifth"))], [(0, 0); 2]);
    scene.after(6);
    assert_eq!(scene.evaluated(), (1, 0));
}

#[test]
fn settled_alert_stays_settled_when_only_words_change() {
    let scene = Scene::new();
    let rule = settled(&scene);
    let none = AlertRulePatch::default;
    let words = [
        AlertRulePatch { name: Some("Other".to_owned()), ..none() },
        AlertRulePatch { description: Patch::Clear, ..none() },
        AlertRulePatch { severity: Some(AlertSeverity::Low), ..none() },
        AlertRulePatch { notification_channels: Some(vec![]), ..none() },
        AlertRulePatch { escalation_enabled: Some(false), ..none() },
        AlertRulePatch { escalation_delay_minutes: Some(7), ..none() },
        AlertRulePatch { escalation_repeats: Some(2), ..none() },
        AlertRulePatch { is_enabled: Some(false), ..none() },
        AlertRulePatch { is_enabled: Some(true), ..none() },
        // As it is.
        AlertRulePatch {
            metric: Some("calls".to_owned()),
            operator: Some(Op::GreaterThan),
            threshold: Some(dec("10.00")),
            judgement: Some(by_default()),
            ..none()
        },
        none(),
    ];
    for patch in words {
        assert_eq!(scene.change(rule, &patch), (0, 0), "{patch:?}");
    }
    for patch in [
        AlertRulePatch { threshold: Some(dec("20")), ..none() },
        AlertRulePatch { operator: Some(Op::NotEquals), ..none() },
        AlertRulePatch { judgement: Some(keep(1)), ..none() },
    ] {
        assert_eq!(scene.change(rule, &patch), (1, 0), "{patch:?}");
        let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule)).unwrap().unwrap();
        scene.run_as(scene.ada, |tx| tx.alerts().resolve(alert.id, None)).unwrap();
    }
}

#[test]
fn rule_switched_on_again_begins_with_the_last_value() {
    let scene = Scene::new();
    let rule = settled(&scene);
    let switch = |is_enabled| AlertRulePatch { is_enabled: Some(is_enabled), ..AlertRulePatch::default() };
    for (values, moves) in [(["50", "3"], (0, 0)), (["3", "50"], (1, 0))] {
        assert_eq!(scene.change(rule, &switch(false)), (0, 0));
        for value in values {
            scene.measures(value);
        }
        assert_eq!(scene.change(rule, &switch(true)), moves, "{values:?}");
    }
}

#[test]
fn terms_that_can_not_be_are_refused_with_their_field() {
    let scene = Scene::new();
    type Terms = fn(&mut Judgement);
    let cases: [(Op, Terms, &str); 9] = [
        (Op::GreaterThan, |terms| terms.recovery_threshold = Some(dec("10.0001")), "recovery_threshold"),
        (Op::LessThan, |terms| terms.recovery_threshold = Some(dec("9")), "recovery_threshold"),
        (Op::Equals, |terms| terms.recovery_threshold = Some(dec("10")), "recovery_threshold"),
        (Op::GreaterThan, |terms| terms.recovery_threshold = Some(dec("1.00001")), "recovery_threshold"),
        (Op::GreaterThan, |terms| terms.pending_seconds = -1, "pending_seconds"),
        (Op::GreaterThan, |terms| terms.keep_firing_seconds = 604_801, "keep_firing_seconds"),
        (Op::GreaterThan, |terms| terms.no_data_seconds = 59, "no_data_seconds"),
        (Op::GreaterThan, |terms| terms.flap_changes = Some(1), "flap_changes"),
        (Op::GreaterThan, |terms| terms.flap_seconds = 0, "flap_seconds"),
    ];
    let kept = create(&scene, "kept", Op::GreaterThan, "10", recovery("5"));
    for (operator, change, field) in cases {
        let mut judgement = by_default();
        change(&mut judgement);
        let new = NewAlertRule { operator, judgement: judgement.clone(), ..rule("bad") };
        let error = scene.run(|tx| tx.alert_rules().create(&new)).unwrap_err();
        assert!(super::blames(&error, field), "{field}: {error}");
        let patch = AlertRulePatch { operator: Some(operator), judgement: Some(judgement), ..AlertRulePatch::default() };
        let error = scene.run(|tx| tx.alert_rules().update(kept.id, &patch)).unwrap_err();
        assert!(super::blames(&error, field), "{field}: {error}");
    }
    // A threshold that would pass the recovery's.
    let patch = AlertRulePatch { threshold: Some(dec("4")), ..AlertRulePatch::default() };
    assert!(super::blames(&scene.run(|tx| tx.alert_rules().update(kept.id, &patch)).unwrap_err(), "recovery_threshold"));
    let row: AlertRuleId = kept.id;
    assert_eq!(scene.run(|tx| tx.alert_rules().get(row)).unwrap(), kept);
}
