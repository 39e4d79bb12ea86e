//! Work that goes through several domains, and what is done for every business from time to time without anybody asking for it.

mod auto_resolve;
mod backlog;
mod catch_up;
mod catch_up_calls;
mod catch_up_mark;
mod catch_up_texts;
mod caught_up;
mod known;
mod upkeep;

pub use auto_resolve::resolve_idle;
pub use backlog::{Backlog, FAILURES_COUNTED_FOR, Queue, Queued, Stage};
pub use catch_up::CatchUp;
pub use catch_up_mark::{CatchUpMark, CatchUpMarks};
pub use caught_up::{CaughtUp, Found, FoundWhat, Tally};
pub use upkeep::{Upkeep, UpkeepConfig};
