//! What every queue of the database shares: leases, the waits between attempts, every business in its turn, the worker's loop, and
//! its stop. The SQL that claims stays with its table. docs/ADDING-A-QUEUE.md is the checklist for the next one.
//!
//! A queue is a table whose open rows have `next_attempt_at`, `attempts`, `lease_owner` and `lease_expires_at`. A claim is a lease,
//! committed before anything is done about the row, so that no transaction is open while the outside world answers; whoever dies in
//! between leaves a lease that ends, and the row is due again.

mod backoff;
mod lease;
mod stop;
mod turns;
mod work;

pub use backoff::Backoff;
pub(crate) use lease::{Lease, NOT_HELD};
pub(crate) use stop::Stop;
pub(crate) use turns::{PAGE, after, every_tenant};
pub(crate) use work::{Queue, pass, work_until_stopped};
