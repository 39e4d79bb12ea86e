//! The phone numbers tenants hold: the rows, and how numbers are searched, bought, looked after, paid for and given back.

mod attempt;
mod costs;
mod order;
mod phone_number;
mod phone_number_queue;
mod provisioner;
mod reconcile;
mod status_callback;
mod worker;

pub use costs::{Month, MonthCosts};
pub use order::{NumberOrder, Quote};
pub use phone_number::{HeldNumber, NewPhoneNumber, NumberFilter, NumberPatch, PhoneNumbers, number_sid};
pub use provisioner::{Progress, Provisioner, ProvisioningConfig};
pub use reconcile::{Finding, Oddity, Outcome, Reconciliation};
pub use status_callback::note_number_status;
pub use worker::{NumberWorker, NumberWorkerConfig};
