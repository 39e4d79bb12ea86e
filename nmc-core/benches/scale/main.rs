//! What pages, search and a missed call take in a large installation, beside a small one on the same server: two databases, each with a
//! thousand businesses, of which one has a tenth of all calls and is measured. They take turns, so that what else the machine does
//! falls on both. Then every filter that a list offers, and the figures of that business, in the large one.
//!
//! `cargo bench -p nmc-core --bench scale -- --dir DIR [--calls 10000000] [--beside 100000] [--samples 1000] [--keep] [--only pages|filters|figures|days]`
//!
//! The directory is made, filled (some 2.5 kB a call, and some GB more for a while) and removed; with `--keep` it stays, and the next run finds it filled.

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

#[path = "../roll_up/measure.rs"]
mod figures;
mod fill;
mod filters;
mod site;

use nmc_core::conversations::{ConversationFilter, MessageFilter, Search};
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::testing::{Business, VoiceForm};
use nmc_core::workflows::record_voice_status;
use nmc_core::{PageRequest, Result, TenantTx};
use site::Site;
use std::time::{Duration, Instant};

/// A filter should answer within this, 99 times of 100.
const AIM: Duration = Duration::from_millis(50);

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("run by: cargo bench -p nmc-core --bench scale -- --dir DIR");
        return;
    }
    let given = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1);
    let number = |name: &str, default: u64| given(name).map_or(default, |text| text.parse().expect("a number"));
    let samples = number("--samples", 1_000);
    let options = EmbeddedOptions {
        data_dir: Some(given("--dir").expect("--dir names a directory to make").into()),
        remove_on_exit: !args.iter().any(|arg| arg == "--keep"),
        settings: [
            ("shared_buffers", "1GB"),
            ("autovacuum", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_wal_size", "2GB"),
            ("checkpoint_timeout", "1h"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..EmbeddedOptions::default()
    };
    let server = EmbeddedPostgres::start(&options).expect("a server");
    let small = Site::new(&server, "small", number("--beside", 100_000));
    let large = Site::new(&server, "large", number("--calls", 10_000_000));
    let only = given("--only");
    let is_wanted = |part: &str| only.is_none_or(|only| only == part);
    if is_wanted("pages") {
        pages([&small, &large], samples);
    }
    if is_wanted("filters") {
        println!("\n{:48} {:>16}", "filters of lists in the large one", "");
        filtered(&large, samples / 5);
    }
    let figured = |business| figures::Figured { store: &large.store, superuser_url: &large.superuser_url, business };
    if is_wanted("figures") {
        println!("\nfigures of the first business in the large one");
        figures::measure(&figured(first(&large)));
    }
    if is_wanted("figures") || only.is_some_and(|only| only == "days") {
        for (which, n) in [("the first", 0), ("another", 1)] {
            println!("\ndays of {which} business in the large one");
            figures::dirty_days(&figured(nth(&large.businesses, n)));
        }
    }
}

fn pages(sites: [&Site; 2], samples: u64) {
    println!("\n{:32} {:>16} {:>16} {:>7} {:>7}", "median, 99th percentile in ms", "small", "large", "ratio", "");
    compare("inbox page", sites, samples, inbox_page);
    compare("conversation page", sites, samples, conversation_page);
    compare("call list", sites, samples, call_list);
    compare("search, one word", sites, samples, |site, n| search(site, &[n]));
    compare("search, two words", sites, samples, |site, n| search(site, &[n, n + 1]));
    compare("missed call, first business", sites, samples, |site, _| missed_call(site, 0));
    compare("missed call, any business", sites, samples, missed_call);
}

fn nth<T>(of: &[T], n: u64) -> &T {
    let at = usize::try_from(n).expect("a place") % of.len();
    of.get(at).expect("one")
}

fn first(site: &Site) -> &Business {
    nth(&site.businesses, 0)
}

/// On behalf of a member of staff of the first business.
fn staff<T>(site: &Site, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> T {
    site.store.tenant_on_behalf_of(&first(site).tenant, site.asked.user, work).expect("a page")
}

fn inbox_page(site: &Site, _: u64) {
    staff(site, |tx| tx.conversations().list_open(&ConversationFilter::default(), PageRequest::first()));
}

fn conversation_page(site: &Site, n: u64) {
    let (conversation, _) = *nth(&site.conversations, n);
    let texts = MessageFilter { conversation: Some(conversation), ..MessageFilter::default() };
    staff(site, |tx| {
        tx.conversations().get_with_last_text(conversation)?;
        tx.messages().list(&texts, PageRequest::first())
    });
}

/// From some instant of the year backwards: a page is as likely deep in the list as at its beginning.
fn call_list(site: &Site, n: u64) {
    let (_, at) = *nth(&site.conversations, n);
    let until = nmc_core::calls::CallFilter { until: Some(at), ..Default::default() };
    staff(site, |tx| tx.calls().list(&until, PageRequest::first()));
}

fn search(site: &Site, words: &[u64]) {
    let words: Vec<&str> = words.iter().map(|n| nth(&site.words, *n).as_str()).collect();
    let search = Search::new(&words.join(" ")).expect("words");
    staff(site, |tx| tx.messages().search(&search, PageRequest::first()));
}

fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 16
}

/// A new caller's call, which is answered with a greeting.
fn missed_call(site: &Site, n: u64) {
    // Nobody who has called in a run before, either, and no 976, which is dear.
    let (area, local) = (nth(&[212, 312, 415, 617, 713, 818, 917], random()), 2_000_000 + random() % 7_000_000);
    let caller = format!("+1{area}{local}");
    let call = VoiceForm::missed(&caller, &nth(&site.businesses, n).number, &format!("CA{:032x}", random())).parse();
    let recorded = record_voice_status(&site.store, &call).expect("a call");
    assert!(recorded.greeting.is_some(), "a missed call without a greeting: {recorded:?}");
}

/// Every filter of every list; lists of conversations also in the order of an inbox.
fn filtered(site: &Site, samples: u64) {
    let page = PageRequest::first();
    for (what, filter) in &site.asked.calls() {
        slow(&format!("calls: {what}"), samples, || drop(staff(site, |tx| tx.calls().list(filter, page))));
    }
    for (what, filter) in &site.asked.conversations() {
        let list = || drop(staff(site, |tx| tx.conversations().list_with_last_text(filter, page)));
        slow(&format!("conversations: {what}"), samples, list);
        if filter.open != Some(false) && filter.status.is_none_or(|status| status.is_open()) {
            slow(&format!("inbox: {what}"), samples, || drop(staff(site, |tx| tx.conversations().list_open(filter, page))));
        }
    }
    for (what, filter) in &site.asked.messages() {
        slow(&format!("texts: {what}"), samples, || drop(staff(site, |tx| tx.messages().list(filter, page))));
    }
    for (what, filter) in &site.asked.consents() {
        slow(&format!("consents: {what}"), samples, || drop(staff(site, |tx| tx.consents().list(filter, page))));
    }
    for (what, filter) in &site.asked.events() {
        slow(&format!("events: {what}"), samples, || drop(staff(site, |tx| tx.conversation_events().list(filter, page))));
    }
    let search = Search::new(&site.asked.name).expect("a name");
    for (what, filter) in &site.asked.customers() {
        slow(&format!("customers: {what}"), samples, || drop(staff(site, |tx| tx.conversations().search(&search, filter, page))));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// Median and 99th percentile.
fn percentiles(mut took: Vec<Duration>) -> [Duration; 2] {
    took.sort_unstable();
    [50, 99].map(|share| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default())
}

fn shown([median, slowest]: [Duration; 2]) -> String {
    format!("{:.2}, {:.2}", median.as_secs_f64() * 1e3, slowest.as_secs_f64() * 1e3)
}

/// The same in both, in turns.
fn compare(what: &str, sites: [&Site; 2], samples: u64, work: impl Fn(&Site, u64)) {
    let mut took = [Vec::new(), Vec::new()];
    // The first ones make plans and fill caches.
    for n in 0..samples + 20 {
        for (site, took) in sites.iter().zip(&mut took) {
            let one = timed(|| work(site, n));
            if n >= 20 {
                took.push(one);
            }
        }
    }
    let [small, large] = took.map(percentiles);
    let [median, p99] = [0, 1].map(|at| {
        let of = |site: &[Duration; 2]| site.get(at).map_or(0.0, Duration::as_secs_f64);
        of(&large) / of(&small)
    });
    println!("{what:32} {:>16} {:>16} {median:>7.2} {p99:>7.2}", shown(small), shown(large));
}

fn slow(what: &str, samples: u64, work: impl Fn()) {
    (0..20).for_each(|_| work());
    let took = percentiles((0..samples).map(|_| timed(&work)).collect());
    let [_, p99] = took;
    println!("{what:48} {:>16}{}", shown(took), if p99 > AIM { "  too slow" } else { "" });
}
