//! Two ways of the same work, in turns.

use std::time::{Duration, Instant};

/// Runs both `times` per round, in turns of a few milliseconds each, and tells how fast `ours` is beside `theirs`: the
/// median of the rounds' ratios, the quartiles, and the median time of one run.
pub(crate) fn compare(what: &str, rounds: usize, times: u32, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let time = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        for _ in 0..times {
            work();
        }
        begun.elapsed() / times
    };
    time(&mut ours);
    time(&mut theirs);
    let mut measured: Vec<(Duration, Duration)> = (0..rounds)
        .map(|round| {
            if round % 2 == 0 {
                let ours = time(&mut ours);
                (ours, time(&mut theirs))
            } else {
                let theirs = time(&mut theirs);
                (time(&mut ours), theirs)
            }
        })
        .collect();
    measured.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let at = |share: usize| measured.get(measured.len() * share / 4).expect("at least one round");
    let (low, median, high) = (at(1), at(2), at(3));
    println!("{what:<58} {:>9.1?} {:>9.1?}   {:.2} ({:.2}–{:.2})", median.0, median.1, ratio(median), ratio(low), ratio(high));
}

fn ratio((ours, theirs): &(Duration, Duration)) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}
