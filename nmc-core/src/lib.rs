#![doc = include_str!("../../README.md")]

// Named for its features alone: it decides how libpq is linked.
use pq_sys as _;

pub mod access;
mod actor;
pub mod alerts;
pub mod analytics;
pub mod calls;
mod clock;
mod confirmed;
pub mod constraint;
pub mod conversations;
pub mod delivery;
mod enums;
mod error;
pub mod events;
#[cfg(any(feature = "testing", feature = "fake-twilio"))]
pub mod fake_twilio;
mod ids;
mod lifecycle;
pub mod numbers;
mod page;
mod patch;
pub mod people;
mod permission;
pub mod queue;
pub mod reports;
/// The tables as Diesel knows them, generated from the migrations: for queries of your own, see [`TenantTx::diesel`].
pub mod schema;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod store;
pub mod telephony;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod twilio;
mod types;
mod uploads;
mod version;
#[cfg(feature = "webhooks")]
pub mod webhook;
pub mod workflows;

pub use clock::{Clock, SystemClock, When};
pub use confirmed::Confirmed;
/// The Diesel this library is built with, for queries of your own: see [`TenantTx::diesel`].
pub use diesel;
pub use enums::*;
pub use error::{Error, ErrorKind, Result};
pub use ids::*;
pub use page::{Cursor, Page, PageRequest};
pub use patch::Patch;
pub use store::{Loaded, Store, StoreConfig, Tenant, TenantTx};
pub use types::{CallerIdentity, Country, Email, PhoneNumber, Secret, Span, Timezone};
pub use uploads::Uploads;
pub use version::Version;
/// The crates whose types are in this library's calls: instants, ids, money, JSON, zones and addresses.
pub use {chrono, chrono_tz, ipnet, rust_decimal, serde_json, uuid};

/// The examples of the embedders' manual, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/EMBEDDING.md")]
struct Embedding;
