//! One callback at a time: the library, and the bare SQL that it sends, prepared, on a plain connection. The server is the
//! test kit's, which does not wait for the disk, so that the difference is not drowned.
//!
//! `cargo bench -p nmc-core --bench missed_call`

#![expect(clippy::expect_used, reason = "a benchmark that can't run has nothing better to do")]

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use divan::Bencher;
use nmc_core::telephony::{SmsCallback, VoiceCallback};
use nmc_core::testing::{Business, Sent, SmsForm, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::receive_text;
use nmc_core::workflows::record_voice_status;
use std::sync::OnceLock;
use uuid::Uuid;

fn main() {
    divan::main();
}

struct Scene {
    db: TestDb,
    business: Business,
}

/// A business that has had some calls, so that plans are made over tables with rows.
fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let db = TestDb::with(|config| config.pool_size = 1);
        let scene = Scene { business: Business::onboard(&db.store, "Joe's Plumbing"), db };
        for _ in 0..1_000 {
            record_voice_status(&scene.db.store, &scene.missed_call()).expect("a call");
        }
        scene.db.execute("ANALYZE");
        scene
    })
}

impl Scene {
    fn missed_call(&self) -> VoiceCallback {
        VoiceForm::missed(unique_phone().as_str(), &self.business.number, &unique_sid("CA")).parse()
    }

    fn text(&self) -> SmsCallback {
        SmsCallback::parse(&SmsForm::text(unique_phone().as_str(), &self.business.number, "Are you open?").0).expect("a text")
    }
}

/// What one callback sent, to be sent again with values of its own.
struct Bare {
    trips: Vec<String>,
    /// A value that no two callbacks share, and where another one comes from.
    varying: Vec<(String, fn() -> String)>,
}

impl Bare {
    /// The statements are prepared on `conn`, as the library's connection keeps them.
    fn of(sent: &[Sent], mut varying: Vec<(String, fn() -> String)>, conn: &mut PgConnection) -> Self {
        let tenant = scene().business.tenant.id().to_string();
        let values = sent.iter().filter_map(|trip| trip.values.as_ref()).flatten().flatten();
        for id in values.filter(|value| Uuid::try_parse(value).is_ok() && **value != tenant) {
            if varying.iter().all(|(seen, _)| seen != id) {
                varying.push((id.clone(), || Uuid::now_v7().to_string()));
            }
        }
        let trips = sent.iter().enumerate().map(|(n, trip)| {
            if trip.values.is_none() {
                return trip.sql.clone();
            }
            conn.batch_execute(&format!("PREPARE q{n} AS {}", trip.sql)).expect("a statement");
            format!("EXECUTE q{n}{}", trip.literals())
        });
        Self { trips: trips.collect(), varying }
    }

    fn fresh(&self) -> Vec<String> {
        let mut trips = self.trips.clone();
        for (seen, another) in &self.varying {
            let value = another();
            for trip in &mut trips {
                *trip = trip.replace(seen, &value);
            }
        }
        trips
    }

    fn bench(&self, bencher: Bencher<'_, '_>, mut conn: PgConnection) {
        bencher.with_inputs(|| self.fresh()).bench_local_values(|trips| {
            for trip in trips {
                conn.batch_execute(&trip).expect("a round trip");
            }
        });
    }
}

#[divan::bench_group(sample_count = 2_000, sample_size = 1)]
mod missed_call_of_a_new_caller {
    use super::*;

    #[divan::bench]
    fn library(bencher: Bencher<'_, '_>) {
        let scene = scene();
        bencher
            .with_inputs(|| scene.missed_call())
            .bench_local_values(|callback| record_voice_status(&scene.db.store, &callback).expect("a call"));
    }

    #[divan::bench]
    fn bare_sql(bencher: Bencher<'_, '_>) {
        let (scene, callback) = (scene(), scene().missed_call());
        let caller = callback.facts.other.phone().expect("a number").as_str().to_owned();
        let varying: Vec<(String, fn() -> String)> =
            vec![(callback.facts.sid.clone(), || unique_sid("CA")), (caller, || unique_phone().as_str().to_owned())];
        let sent = scene.db.round_trips(|store| {
            record_voice_status(store, &callback).expect("a call");
        });
        let mut conn = scene.db.raw();
        Bare::of(&sent, varying, &mut conn).bench(bencher, conn);
    }
}

#[divan::bench_group(sample_count = 2_000, sample_size = 1)]
mod the_same_callback_again {
    use super::*;

    #[divan::bench]
    fn library(bencher: Bencher<'_, '_>) {
        let (scene, callback) = (scene(), scene().missed_call());
        record_voice_status(&scene.db.store, &callback).expect("a call");
        bencher.bench_local(|| record_voice_status(&scene.db.store, &callback).expect("a call"));
    }

    #[divan::bench]
    fn bare_sql(bencher: Bencher<'_, '_>) {
        let (scene, callback) = (scene(), scene().missed_call());
        record_voice_status(&scene.db.store, &callback).expect("a call");
        let sent = scene.db.round_trips(|store| {
            record_voice_status(store, &callback).expect("a call");
        });
        let mut conn = scene.db.raw();
        Bare::of(&sent, Vec::new(), &mut conn).bench(bencher, conn);
    }
}

#[divan::bench_group(sample_count = 2_000, sample_size = 1)]
mod text_of_a_new_customer {
    use super::*;

    #[divan::bench]
    fn library(bencher: Bencher<'_, '_>) {
        let scene = scene();
        bencher
            .with_inputs(|| scene.text())
            .bench_local_values(|callback| receive_text(&scene.db.store, &callback).expect("a text"));
    }

    #[divan::bench]
    fn bare_sql(bencher: Bencher<'_, '_>) {
        let (scene, callback) = (scene(), scene().text());
        let from = callback.text.from.phone().expect("a number").as_str().to_owned();
        let varying: Vec<(String, fn() -> String)> =
            vec![(callback.text.message_sid.clone(), || unique_sid("SM")), (from, || unique_phone().as_str().to_owned())];
        let sent = scene.db.round_trips(|store| {
            receive_text(store, &callback).expect("a text");
        });
        let mut conn = scene.db.raw();
        Bare::of(&sent, varying, &mut conn).bench(bencher, conn);
    }
}
