//! Routes of the business itself, and its phone numbers.

use crate::api::{Access, Api};
use crate::routes::v1::{available_numbers, holidays, number_costs, numbers, op, settings, tenant};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::Needs;
    use Permission::*;

    api.path("business", "/v1/tenant", |r| {
        r.get(op("getTenant", "The business", Needs(TenantRead)), tenant::get)
            .patch(op("changeTenant", "Change the business", Needs(TenantWrite)), tenant::change);
    });
    api.path("business", "/v1/tenant/hours", |r| {
        r.get(op("getHours", "Whether the business is open, and when it opens next", Needs(TenantRead)), tenant::hours);
    });
    api.path("business", "/v1/holidays", |r| {
        r.get(op("listHolidays", "The days on which the business is closed whatever its hours say", Needs(TenantRead)), holidays::list);
    });
    api.path("business", "/v1/holidays/{date}", |r| {
        r.put(op("setHoliday", "Make a day a holiday, or give it another name", Needs(TenantWrite)), holidays::set)
            .delete(op("removeHoliday", "Make a holiday a day like others again", Needs(TenantWrite)), holidays::remove);
    });
    api.path("business", "/v1/tenant/onboarding", |r| {
        r.get(op("getOnboarding", "The progress of onboarding, and what each step still needs", Needs(TenantRead)), tenant::onboarding);
    });
    api.path("business", "/v1/tenant/onboarding/steps/{step}/completion", |r| {
        r.put(op("completeOnboardingStep", "Complete a step of onboarding", Needs(TenantWrite)), tenant::complete_step);
    });
    api.path("business", "/v1/settings", |r| {
        r.get(op("getSettings", "The settings of the business", Needs(SettingsRead)), settings::get)
            .patch(op("changeSettings", "Change the settings of the business", Needs(SettingsWrite)), settings::change);
    });
    api.path("business", "/v1/settings/greeting/preview", |r| {
        r.post(op("previewGreeting", "Preview the greeting that a caller would be texted", Needs(SettingsRead)), settings::preview);
    });
    api.path("business", "/v1/settings/greeting/review", |r| {
        r.put(op("reviewGreeting", "Approve of the greeting as it is", Needs(SettingsWrite)), settings::review);
    });

    api.path("numbers", "/v1/available-numbers", |r| {
        r.get(op("searchNumbers", "Phone numbers for sale", Needs(NumbersWrite)), available_numbers::search);
    });
    api.path("numbers", "/v1/numbers", |r| {
        r.get(op("listNumbers", "The business's phone numbers, newest first, released ones among them", Needs(NumbersRead)), numbers::list)
            .post(op("buyNumber", "Buy a phone number; bought once, however often it is asked for", Needs(NumbersWrite)), numbers::buy);
    });
    api.path("numbers", "/v1/numbers/{number}", |r| {
        r.get(op("getNumber", "A phone number", Needs(NumbersRead)), numbers::get);
    });
    api.path("numbers", "/v1/numbers/{number}/release", |r| {
        r.post(op("releaseNumber", "Give a phone number back, for good", Needs(NumbersWrite)), numbers::release);
    });
    api.path("numbers", "/v1/numbers/{number}/configuration", |r| {
        r.post(op("configureNumber", "Tell Twilio a number's webhooks again", Needs(NumbersWrite)), numbers::configure);
    });
    api.path("numbers", "/v1/number-costs", |r| {
        r.get(op("numberCosts", "What the phone numbers cost, month by month", Needs(NumbersCosts)), number_costs::list);
    });
}
