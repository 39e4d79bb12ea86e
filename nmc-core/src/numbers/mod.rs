//! The phone numbers tenants hold: the rows, and how numbers are searched, bought, looked after, paid for and given back.

mod attempt;
mod costs;
mod order;
mod pacing;
mod phone_number;
mod provider;
mod provisioner;
mod queue;
mod reconcile;
mod status_callback;
mod worker;

pub use costs::{Month, MonthCosts};
pub use order::{NumberOrder, Quote};
pub use pacing::{NumberPace, NumberPacing};
pub use phone_number::{HeldNumber, NewPhoneNumber, NumberFilter, NumberPatch, PhoneNumbers};
pub use provider::{
    AvailableNumber, Capabilities, NumberProvider, NumberSearch, OwnedNumber, OwnedPage, Price, ProviderError, Purchase,
    WebhookUrls, friendly_name,
};
pub use provisioner::{Progress, Provisioner, ProvisioningConfig};
pub use reconcile::{Finding, Oddity, Outcome, Reconciliation};
pub use status_callback::{ReportedNumber, note_number_status};
pub use worker::{NumberWorker, NumberWorkerConfig};
