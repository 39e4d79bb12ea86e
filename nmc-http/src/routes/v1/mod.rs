//! The API, version 1: one file per resource, all routes in `table`.

mod alert_rule_bodies;
mod alert_rules;
mod alerts;
mod analytics;
mod analytics_summary;
mod api_keys;
mod available_numbers;
mod browser_sessions;
mod call_analytics;
mod call_facts;
mod call_imports;
mod call_participants;
mod calls;
mod consents;
mod conversation_analytics;
mod conversation_events;
mod conversation_review;
mod conversation_steps;
mod conversations;
mod customers;
mod email_verifications;
mod escalation_contacts;
mod events;
mod exports;
mod holidays;
mod jobs;
mod kpis;
mod measurements;
mod messages;
mod number_costs;
mod numbers;
mod password_resets;
mod preferences;
mod profiles;
mod registrations;
mod replies;
mod report_schedules;
mod reports;
mod sessions;
mod settings;
mod socket;
mod status;
mod table;
mod tenant;
mod users;

use crate::api::openapi::Document;
use crate::api::{Access, Op};
pub(crate) use table::routes;
use utoipa::openapi::OpenApi;

/// The OpenAPI document of the API.
#[must_use]
pub fn document() -> OpenApi {
    Document::of(routes)
}

const fn op(id: &'static str, what: &'static str, access: Access) -> Op {
    Op { id, what, access }
}
