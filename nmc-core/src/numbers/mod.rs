//! The phone numbers tenants hold: the rows, and how numbers are searched, bought, looked after, paid for and given back.

mod attempt;
mod costs;
mod holder;
mod order;
mod pacing;
mod phone_number;
mod provider;
mod provisioner;
mod queue;
mod reconcile;
mod status_callback;
mod webhooks;
mod worker;

pub use costs::{Month, MonthCosts};
pub use holder::{Happened, Holder};
pub use order::{NumberOrder, Quote};
pub use pacing::{NumberPace, NumberPacing};
pub use phone_number::{HeldNumber, NewPhoneNumber, NumberFilter, NumberPatch, PhoneNumbers, number_sid};
pub use provider::{
    AvailableNumber, Capabilities, NumberProvider, NumberSearch, OwnedNumber, OwnedPage, Price, ProviderError, Purchase,
    friendly_name, owned_as,
};
pub use provisioner::{Progress, Provisioner, ProvisioningConfig};
pub use reconcile::{Finding, Oddity, Outcome, Reconciliation};
pub use status_callback::{ReportedNumber, note_number_status};
pub use webhooks::WebhookUrls;
pub use worker::{NumberWorker, NumberWorkerConfig};
