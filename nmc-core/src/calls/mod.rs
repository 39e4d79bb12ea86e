//! Calls and their participants, and how what the provider tells of a call adds up.

mod beginning;
mod call;
mod call_bulk;
mod call_log;
mod call_log_input;
mod call_transitions;
mod disconnect;
mod facts;
mod metadata;
mod outcome;
mod participant;
mod price;

pub use call::{Call, CallFilter, Calls, NewCall};
pub use call_bulk::CallPatch;
pub use call_log::{CallLog, CallLogFormat};
pub(crate) use disconnect::forbids_forwarding;
pub use metadata::{CallMetadata, CallMetadataFilter, CallMetadataRepo, MetadataValue};
pub use outcome::outcome;
pub(crate) use participant::MOST_PARTICIPANTS;
pub use participant::{CallParticipant, CallParticipantFilter, CallParticipants, NewCallParticipant};
pub(crate) use price::CallPrice;
