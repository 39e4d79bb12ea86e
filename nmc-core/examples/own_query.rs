//! Missed calls per day, a Diesel query of one's own: `cargo run -p nmc-core --example own_query`

mod support;

use chrono::{DateTime, NaiveDate, TimeDelta};
use nmc_core::calls::{CallFilter, NewCall};
use nmc_core::conversations::NewConversation;
// The Diesel that the library is built with; its derives find it under this name.
use nmc_core::diesel;
use nmc_core::diesel::dsl::{count, count_star, sql};
use nmc_core::diesel::prelude::*;
use nmc_core::diesel::sql_types::Date;
use nmc_core::schema::{calls, conversations};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{CallDirection, CallOutcome, CallStatus, CallerIdentity, ConversationChannel};
use std::error::Error;
use uuid::Uuid;

#[derive(Debug, Queryable)]
struct Day {
    day: NaiveDate,
    missed: i64,
    customers: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let business = NewTenant { business_name: format!("Joe's Plumbing {}", Uuid::new_v4()), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;

    // Two customers, who take turns to call in vain: 10 calls, 8 hours apart.
    let customers: [CallerIdentity; 2] = ["+14155550123".parse()?, "+14155550145".parse()?];
    let start = DateTime::UNIX_EPOCH + TimeDelta::days(365 * 55);
    store.tenant(&tenant, |tx| {
        let mut many = Vec::new();
        for (customer, first) in customers.iter().zip(0..) {
            let conversation = tx.conversations().create(&NewConversation {
                customer_phone: customer.clone(),
                channel: ConversationChannel::Phone,
                subject: None,
                customer_name: None,
            })?;
            for n in (first..10).step_by(2) {
                let sid = format!("CA{n:032x}");
                many.push(NewCall {
                    call_status: CallStatus::NoAnswer,
                    outcome: Some(CallOutcome::Missed),
                    conversation_id: Some(conversation.id),
                    started_at: Some(start + TimeDelta::hours(8 * n)),
                    ..NewCall::begun(CallDirection::Inbound, customer.clone(), "+13125550100".parse()?, sid)
                });
            }
        }
        tx.calls().import(&many)
    })?;

    // Whatever the repositories have no verb for. The tenant is bound on each table: row-level security would hide foreign rows
    // anyway, but an index finds only what is bound. Keys take the tenant along, and so do joins.
    let day = || sql::<Date>("(calls.started_at AT TIME ZONE 'UTC')::date");
    let days: Vec<Day> = store.tenant(&tenant, |tx| {
        tx.diesel(|conn, tenant| {
            calls::table
                .inner_join(conversations::table.on(calls::conversation_id.eq(conversations::id.nullable())))
                .filter(calls::tenant_id.eq(tenant))
                .filter(conversations::tenant_id.eq(tenant))
                .filter(calls::outcome.eq(CallOutcome::Missed))
                .group_by(day())
                .order(day())
                .select((day(), count_star(), count(conversations::customer_phone).aggregate_distinct()))
                .load(conn)
        })
    })?;
    for Day { day, missed, customers } in &days {
        println!("{day}: missed {missed}, of so many customers: {customers}");
    }
    println!("{} calls in all", store.tenant(&tenant, |tx| tx.calls().count(&CallFilter::default()))?);
    Ok(())
}
