//! A job from the queue to its result, as a worker does it: `cargo run -p nmc-core --example run_a_job`

mod support;

use chrono::TimeDelta;
use nmc_core::analytics::{JobFilter, NewJob};
use nmc_core::calls::CallFilter;
use nmc_core::store::Reason;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{JobStatus, JobType};
use serde_json::json;
use std::error::Error;
use uuid::Uuid;

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let business = NewTenant { business_name: format!("Joe's Plumbing {}", Uuid::new_v4()), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;

    let queued = store.tenant(&tenant, |tx| tx.jobs().create(&NewJob::now(JobType::Aggregation, json!({"what": "calls"}))))?;
    println!("queued: {}, {}", queued.job_type, queued.status);

    // The worker's first step is the only one that sees all tenants: who has jobs that are due?
    let due = store.system(Reason::DueWork, |tx| tx.tenants_with_due_jobs(None, 1_000))?;

    // The second is in the tenant. A claim is a lease: other workers pass over the job until it ends, and get it then if this
    // one has died. (A worker would serve every tenant. An example leaves other people's jobs alone.)
    for tenant in due.into_iter().filter(|due| *due == tenant) {
        let claimed = store.tenant(&tenant, |tx| tx.jobs().claim(10, TimeDelta::minutes(5)))?;
        for claim in claimed {
            println!("claimed: {}, attempt {} of {}", claim.job.job_type, claim.job.attempts, claim.job.max_attempts);
            // The work itself, then its end and its result in one transaction. `complete` refuses a claim that another worker
            // has taken over, and then nothing of this is written.
            let done = store.tenant(&tenant, |tx| {
                let calls = tx.calls().count(&CallFilter::default())?;
                tx.jobs().complete(&claim, Some(&json!({"calls": calls})))
            })?;
            println!("{}: {}", done.status, done.result.unwrap_or_default());
        }
    }

    let completed = JobFilter { status: Some(JobStatus::Completed), ..JobFilter::default() };
    println!("{} job completed", store.tenant(&tenant, |tx| tx.jobs().count(&completed))?);
    Ok(())
}
