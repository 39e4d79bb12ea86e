#![doc = include_str!("../../README.md")]

// Named for its features alone: it decides how libpq is linked.
use pq_sys as _;

pub mod alerts;
pub mod analytics;
pub mod calls;
mod clock;
pub mod constraint;
pub mod conversations;
mod enums;
mod error;
pub mod identity;
mod ids;
mod lifecycle;
pub mod numbers;
mod page;
mod patch;
mod schema;
pub mod settings;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod twilio;
mod types;

pub use clock::{Clock, SystemClock};
pub use enums::*;
pub use error::{Error, Result};
pub use ids::*;
pub use page::{Cursor, Page, PageRequest};
pub use patch::Patch;
pub use store::{Store, StoreConfig, Tenant, TenantTx};
pub use types::{CallerIdentity, Email, PhoneNumber, Secret, Timezone};
