//! All routes, a file for each area.

mod access;
mod alerts;
mod analytics;
mod business;
mod conversations;
mod events;
mod people;
mod reports;

use crate::api::Api;

/// Every route.
pub(crate) fn routes(api: &mut Api<'_>) {
    access::authentication(api);
    business::routes(api);
    conversations::routes(api);
    alerts::routes(api);
    analytics::routes(api);
    events::routes(api);
    people::routes(api);
    reports::routes(api);
    access::api_keys(api);
}
