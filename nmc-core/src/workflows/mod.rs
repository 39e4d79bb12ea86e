//! Work that goes through several domains, beyond what one callback sets in motion.

mod catch_up;
mod catch_up_calls;
mod catch_up_mark;
mod catch_up_texts;
mod caught_up;
mod known;

pub use catch_up::CatchUp;
pub use catch_up_mark::{CatchUpMark, CatchUpMarks};
pub use caught_up::{CaughtUp, Found, FoundWhat, Tally};
