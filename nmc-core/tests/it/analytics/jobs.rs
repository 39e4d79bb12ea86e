//! Jobs: put in, claimed, done, failed, called off; by several workers at once.

use crate::support::{Scene, all_pages, refused};
use chrono::TimeDelta;
use nmc_core::analytics::{ClaimedJob, Job, JobFilter, NewJob};
use nmc_core::store::Reason;
use nmc_core::testing::{Business, noon};
use nmc_core::{Error, JobStatus, JobType};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Barrier;

const LEASE: TimeDelta = TimeDelta::minutes(5);

impl Scene {
    fn job(&self) -> Job {
        self.tx(|tx| tx.jobs().create(&NewJob::now(JobType::Aggregation, json!({"period": "day"})))).unwrap()
    }

    fn claim(&self) -> Vec<ClaimedJob> {
        self.tx(|tx| tx.jobs().claim(10, LEASE)).unwrap()
    }

    fn claim_one(&self) -> ClaimedJob {
        let [claimed] = self.claim().try_into().expect("one job");
        claimed
    }
}

#[test]
fn a_job_is_claimed_done_and_keeps_its_result() {
    let scene = Scene::new();
    let job = scene.job();
    assert_eq!((job.status, job.attempts, job.max_attempts, job.next_attempt_at), (JobStatus::Pending, 0, 3, noon()));
    scene.clock.advance(TimeDelta::minutes(1));
    let claimed = scene.claim_one();
    assert_eq!(
        claimed.job,
        Job {
            status: JobStatus::Processing,
            attempts: 1,
            lease_owner: Some(claimed.lease),
            lease_expires_at: Some(noon() + TimeDelta::minutes(6)),
            next_attempt_at: noon() + TimeDelta::minutes(6),
            updated_at: noon() + TimeDelta::minutes(1),
            ..job.clone()
        }
    );
    assert_eq!(scene.claim(), [], "nobody else gets it");
    scene.clock.advance(TimeDelta::minutes(1));
    let done = scene.tx(|tx| tx.jobs().complete(&claimed, Some(&json!({"rows": 3})))).unwrap();
    let at = noon() + TimeDelta::minutes(2);
    assert_eq!(
        (done.status, done.result.as_ref(), done.completed_at, done.lease_owner),
        (JobStatus::Completed, Some(&json!({"rows": 3})), Some(at), None)
    );
    scene.clock.advance(TimeDelta::days(1));
    assert_eq!(scene.claim(), [], "it is not due again");
    let again = scene.tx(|tx| tx.jobs().complete(&claimed, None));
    assert_eq!(refused(again).0, "lease");
    assert_eq!(scene.tx(|tx| tx.jobs().get(job.id)).unwrap(), done, "an end stays as it is");
}

#[test]
fn a_job_that_fails_comes_back_until_its_attempts_are_used_up() {
    let scene = Scene::new();
    let new = NewJob { max_attempts: Some(2), ..NewJob::now(JobType::TrendAnalysis, json!({})) };
    let id = scene.tx(|tx| tx.jobs().create(&new)).unwrap().id;
    let fail = |claimed: &ClaimedJob, why: &str| {
        let retry_at = noon() + TimeDelta::hours(1);
        scene.tx(|tx| tx.jobs().fail(claimed, why, retry_at)).unwrap()
    };
    let first = fail(&scene.claim_one(), &format!("no\0 luck{}", "!".repeat(2_000)));
    assert_eq!((first.status, first.attempts, first.next_attempt_at), (JobStatus::Pending, 1, noon() + TimeDelta::hours(1)));
    assert_eq!(first.error_message.unwrap().chars().count(), 1_000, "cut to its bound, without NUL");
    assert_eq!(scene.claim(), [], "not before its time");
    scene.clock.advance(TimeDelta::hours(1));
    let last = fail(&scene.claim_one(), "no luck again");
    assert_eq!((last.status, last.attempts, last.error_message.as_deref()), (JobStatus::Failed, 2, Some("no luck again")));
    scene.clock.advance(TimeDelta::days(1));
    assert_eq!((scene.claim().len(), scene.tx(|tx| tx.jobs().get(id)).unwrap()), (0, last));
}

#[test]
fn job_that_failed_is_done_once_more_and_no_other() {
    let scene = Scene::new();
    let retry = |id| scene.tx(|tx| tx.jobs().retry(id));
    let new = NewJob { max_attempts: Some(1), ..NewJob::now(JobType::Aggregation, json!({})) };
    let id = scene.tx(|tx| tx.jobs().create(&new)).unwrap().id;
    let is_refused = |from: &str| match retry(id) {
        Err(Error::InvalidTransition { from: was, to, .. }) => assert_eq!((was, to), (from, "pending")),
        other => panic!("{other:?}"),
    };
    is_refused("pending");
    let claimed = scene.claim_one();
    is_refused("processing");
    scene.tx(|tx| tx.jobs().fail(&claimed, "no luck", noon())).unwrap();
    scene.clock.advance(TimeDelta::days(1));
    let again = retry(id).unwrap();
    assert_eq!((again.status, again.attempts, again.error_message.as_deref()), (JobStatus::Pending, 0, None));
    assert_eq!(again.next_attempt_at, noon() + TimeDelta::days(1));
    let claimed = scene.claim_one();
    scene.tx(|tx| tx.jobs().complete(&claimed, None)).unwrap();
    is_refused("completed");
}

#[test]
fn a_worker_that_dies_loses_its_job_and_can_no_longer_end_it() {
    let scene = Scene::new();
    let new = NewJob { max_attempts: Some(2), ..NewJob::now(JobType::Aggregation, json!({})) };
    let id = scene.tx(|tx| tx.jobs().create(&new)).unwrap().id;
    let dead = scene.claim_one();
    scene.clock.advance(TimeDelta::minutes(4));
    scene.tx(|tx| tx.jobs().extend(&dead, LEASE)).unwrap();
    scene.clock.advance(TimeDelta::minutes(4));
    assert_eq!(scene.claim(), [], "it has asked for more time");
    scene.clock.advance(TimeDelta::minutes(1));
    let next = scene.claim_one();
    assert_eq!((next.job.id, next.job.attempts), (id, 2));
    for late in [
        scene.tx(|tx| tx.jobs().complete(&dead, None)),
        scene.tx(|tx| tx.jobs().fail(&dead, "late", noon())),
        scene.tx(|tx| tx.jobs().extend(&dead, LEASE)),
    ] {
        assert_eq!(refused(late).0, "lease");
    }
    assert_eq!(scene.tx(|tx| tx.jobs().get(id)).unwrap(), next.job, "the other's claim is untouched");
    // It dies, too, and that was the last attempt.
    scene.clock.advance(LEASE);
    assert_eq!(scene.claim(), []);
    let failed = scene.tx(|tx| tx.jobs().get(id)).unwrap();
    assert_eq!((failed.status, failed.attempts, failed.lease_owner), (JobStatus::Failed, 2, None));
    assert!(failed.error_message.unwrap().contains("did not come back"));
}

#[test]
fn job_goes_to_one_of_many_workers_longest_waiting_first() {
    let scene = Scene::new();
    let late = scene.tx(|tx| {
        tx.jobs().create(&NewJob { run_at: Some(noon() - TimeDelta::minutes(1)), ..NewJob::now(JobType::Aggregation, json!({})) })
    });
    let late = late.unwrap().id;
    let jobs: BTreeSet<_> = (0..20).map(|_| scene.job().id).chain([late]).collect();
    assert_eq!(scene.tx(|tx| tx.jobs().claim(1, LEASE)).unwrap()[0].job.id, late);
    let barrier = Barrier::new(4);
    let claimed: Vec<_> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    barrier.wait();
                    let mut mine = Vec::new();
                    loop {
                        let claimed = scene.tx(|tx| tx.jobs().claim(3, LEASE)).unwrap();
                        if claimed.is_empty() {
                            return mine;
                        }
                        for claim in claimed {
                            mine.push(scene.tx(|tx| tx.jobs().complete(&claim, None)).unwrap().id);
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(claimed.len(), 20, "none twice");
    assert_eq!(claimed.into_iter().chain([late]).collect::<BTreeSet<_>>(), jobs);
}

#[test]
fn an_illegal_move_changes_nothing_also_when_two_race() {
    let scene = Scene::new();
    // Called off by staff and claimed by a worker, at once: one of them has it.
    for _ in 0..20 {
        let job = scene.job();
        let barrier = Barrier::new(2);
        let (canceled, claimed) = std::thread::scope(|threads| {
            let staff = threads.spawn(|| {
                barrier.wait();
                scene.tx(|tx| tx.jobs().cancel(job.id, "not needed"))
            });
            barrier.wait();
            let claimed = scene.claim();
            (staff.join().unwrap(), claimed)
        });
        let now = scene.tx(|tx| tx.jobs().get(job.id)).unwrap();
        match (canceled, claimed.as_slice()) {
            (Ok(canceled), []) => assert_eq!((now.status, &now), (JobStatus::Failed, &canceled)),
            (Err(Error::InvalidTransition { entity: "job", from: "processing", to: "canceled" }), [claim]) => {
                assert_eq!(now, claim.job);
                scene.tx(|tx| tx.jobs().complete(claim, None)).unwrap();
            }
            other => panic!("{other:?}"),
        }
        let refused = scene.tx(|tx| tx.jobs().cancel(job.id, "too late")).unwrap_err();
        assert!(matches!(refused, Error::InvalidTransition { entity: "job", .. }), "{refused:?}");
    }
}

#[test]
fn jobs_are_filtered_and_taken_out_once_they_have_ended() {
    let scene = Scene::new();
    let first = scene.job();
    scene.clock.advance(TimeDelta::hours(1));
    let second = scene.tx(|tx| tx.jobs().create(&NewJob::now(JobType::ReportGeneration, json!({})))).unwrap();
    scene.tick();
    scene.tx(|tx| tx.jobs().cancel(second.id, "not needed")).unwrap();
    let all = JobFilter::default;
    for (filter, expected) in [
        (all(), vec![second.id, first.id]),
        (JobFilter { status: Some(JobStatus::Failed), ..all() }, vec![second.id]),
        (JobFilter { open: Some(true), ..all() }, vec![first.id]),
        (JobFilter { open: Some(false), ..all() }, vec![second.id]),
        (JobFilter { job_type: Some(JobType::Aggregation), ..all() }, vec![first.id]),
        (JobFilter { from: Some(noon() + TimeDelta::hours(1)), ..all() }, vec![second.id]),
        (JobFilter { until: Some(noon() + TimeDelta::hours(1)), ..all() }, vec![first.id]),
    ] {
        let listed: Vec<_> = all_pages(1, |page| scene.tx(|tx| tx.jobs().list(&filter, page))).iter().map(|job| job.id).collect();
        assert_eq!(listed, expected, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.jobs().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
    let open = scene.tx(|tx| tx.jobs().delete(first.id));
    assert_eq!(refused(open), ("status".to_owned(), "is still open; call the job off first".to_owned()));
    scene.clock.advance(TimeDelta::hours(1));
    let bite = || scene.tx(|tx| tx.jobs().delete_ended_before(noon() + TimeDelta::hours(2), 10)).unwrap();
    assert_eq!((bite(), bite()), (1, 0));
    scene.tx(|tx| tx.jobs().cancel(first.id, "not needed")).unwrap();
    scene.tx(|tx| tx.jobs().delete(first.id)).unwrap();
    assert_eq!(scene.tx(|tx| tx.jobs().find(first.id)).unwrap(), None);
}

#[test]
fn a_job_that_breaks_a_rule_names_the_field() {
    let scene = Scene::new();
    let good = || NewJob::now(JobType::Aggregation, json!({}));
    for (bad, field, rule) in [
        (NewJob { parameters: json!("day"), ..good() }, "parameters", "must be an object"),
        (NewJob { max_attempts: Some(0), ..good() }, "max_attempts", "must be between 1 and 100"),
        (NewJob { max_attempts: Some(101), ..good() }, "max_attempts", "must be between 1 and 100"),
        (
            NewJob { run_at: Some(chrono::DateTime::<chrono::Utc>::MAX_UTC), ..good() },
            "run_at",
            "must lie between the years 1970 and 9999",
        ),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.jobs().create(&bad))), (field.to_owned(), rule.to_owned()));
    }
    let id = scene.job().id;
    assert_eq!(refused(scene.tx(|tx| tx.jobs().cancel(id, " "))), ("why".to_owned(), "must not be empty".to_owned()));
    let claimed = scene.claim_one();
    let long = json!("x".repeat(2 << 20));
    assert_eq!(refused(scene.tx(|tx| tx.jobs().complete(&claimed, Some(&long)))).0, "result");
    assert_eq!(scene.tx(|tx| tx.jobs().get(id)).unwrap(), claimed.job, "and it is still the worker's");
}

#[test]
fn tenants_with_due_jobs_are_told_each_in_its_turn() {
    let scene = Scene::new();
    let due = || {
        let tenants = scene.db.store.system(Reason::DueWork, |tx| tx.tenants_with_due_jobs(None, 10)).unwrap();
        tenants.into_iter().map(|tenant| tenant.id()).collect::<Vec<_>>()
    };
    let other = Business::onboard(&scene.db.store, "Ann's Plumbing");
    let job_of = |business: &Business, minutes| {
        let new = NewJob { run_at: Some(noon() + TimeDelta::minutes(minutes)), ..NewJob::now(JobType::Aggregation, json!({})) };
        scene.db.store.tenant(&business.tenant, |tx| tx.jobs().create(&new)).unwrap()
    };
    job_of(&scene.business, 2);
    job_of(&other, 1);
    assert_eq!(due(), []);
    scene.clock.advance(TimeDelta::minutes(2));
    let mut both = [other.tenant.id(), scene.business.tenant.id()];
    both.sort_unstable_by_key(|id| id.uuid());
    assert_eq!(due(), both, "in the order of their ids, however long they have waited");
    other.suspend(&scene.db, true);
    assert_eq!(due(), [scene.business.tenant.id()]);
    scene.claim_one();
    assert_eq!(due(), []);
}
