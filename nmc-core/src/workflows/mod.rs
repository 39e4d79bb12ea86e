//! Work that goes through several domains, and what is done for every business from time to time without anybody asking for it.

mod auto_resolve;
mod backlog;
mod call_outcome;
mod catch_up;
mod catch_up_calls;
mod catch_up_mark;
mod catch_up_texts;
mod caught_up;
mod delivery;
mod forwarding;
mod greeting;
mod holder;
mod inbound_text;
mod known;
mod missed_call;
mod onboarding;
mod refresh_call;
mod registration;
mod removal;
mod roll_up;
mod staff_text;
mod upkeep;

pub use auto_resolve::resolve_idle;
pub use backlog::{Backlog, FAILURES_COUNTED_FOR, Queue, Queued, Stage};
pub use catch_up::CatchUp;
pub use catch_up_mark::{CatchUpMark, CatchUpMarks};
pub use caught_up::{CaughtUp, Found, FoundWhat, Tally};
pub use delivery::record_delivery;
pub use forwarding::{Forwarding, forward_to};
pub use holder::{Happened, Holder};
pub use inbound_text::{Received, receive_text};
pub use missed_call::{Recorded, VoiceStatus, record_voice_status};
pub use onboarding::{Missing, Onboarding, OnboardingStep, onboard};
pub use refresh_call::{refresh_call, refresh_call_by_sid};
pub use registration::{Registered, Registration};
pub use upkeep::{Upkeep, UpkeepConfig};
