//! Calls, their participants, and what a missed one sets in motion.

mod call;
mod disconnect;
mod facts;
mod forwarding;
mod metadata;
mod missed_call;
mod outcome;
mod participant;
mod price;
mod record;
mod refresh;

pub use call::{Call, CallFilter, Calls, NewCall};
pub use facts::CallFacts;
pub use forwarding::{Forwarding, forward_to};
pub use metadata::{CallMetadata, CallMetadataFilter, CallMetadataRepo, MetadataValue};
pub use missed_call::{Recorded, VoiceStatus, record_voice_status};
pub use outcome::outcome;
pub use participant::{CallParticipant, CallParticipantFilter, CallParticipants, NewCallParticipant};
pub(crate) use price::CallPrice;
pub use record::CallPatch;
pub(crate) use refresh::STILL_NEWS;
pub use refresh::{CallDirectory, CallPage, CallReport, LegReport, refresh_call, refresh_call_by_sid};
