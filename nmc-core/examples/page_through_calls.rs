//! A filtered list in pages, with a cursor that a client can hold: `cargo run -p nmc-core --example page_through_calls`

mod support;

use nmc_core::calls::{CallFilter, NewCall};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{CallDirection, CallOutcome, CallStatus, CallerIdentity, Cursor, PageRequest};
use std::error::Error;
use uuid::Uuid;

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let run = Uuid::new_v4();
    let business = NewTenant { business_name: format!("Joe's Plumbing {run}"), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;

    // 250 old calls, every third of them missed. An import is told apart by its SIDs: run again, it adds nothing.
    let caller: CallerIdentity = "+14155550123".parse()?;
    let called: CallerIdentity = "+13125550100".parse()?;
    let old = |n: u32| {
        let sid = format!("CA{:032x}", n);
        let missed = n.is_multiple_of(3);
        NewCall {
            call_status: if missed { CallStatus::NoAnswer } else { CallStatus::Completed },
            outcome: Some(if missed { CallOutcome::Missed } else { CallOutcome::Answered }),
            ..NewCall::begun(CallDirection::Inbound, caller.clone(), called.clone(), sid)
        }
    };
    let imported = store.load(&tenant, (1..=250).map(old), |tx, batch| tx.calls().import(batch), |_| {})?;
    println!("{} calls imported", imported.written);

    // One filter serves list and count.
    let missed = CallFilter { outcome: Some(CallOutcome::Missed), ..CallFilter::default() };
    println!("{} of them missed", store.tenant(&tenant, |tx| tx.calls().count(&missed))?);

    // Each page is a transaction of its own, and as cheap as the first. A call that comes in meanwhile moves nothing. The cursor
    // is text to whoever pages: a web server hands it out with the page and parses it when it comes back.
    let mut cursor: Option<String> = None;
    let mut seen = 0;
    loop {
        let after = cursor.as_deref().map(str::parse::<Cursor>).transpose()?;
        let request = PageRequest::new(30, after)?;
        let page = store.tenant(&tenant, |tx| tx.calls().list(&missed, request))?;
        seen += page.items.len();
        println!("a page of {}", page.items.len());
        match page.next {
            Some(next) => cursor = Some(next.to_string()),
            None => break,
        }
    }
    println!("{seen} missed calls seen, each once");
    Ok(())
}
