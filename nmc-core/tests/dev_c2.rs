//! c2's own while it is being written.
#[path = "it/missed_call.rs"]
mod missed_call;
#[path = "it/signature.rs"]
mod signature;
#[path = "it/texts.rs"]
mod texts;
#[path = "it/values.rs"]
mod values;
#[path = "it/worker.rs"]
mod worker;
