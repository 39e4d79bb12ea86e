//! What is done for every business from time to time, without anybody asking for it.

mod auto_resolve;

pub use auto_resolve::resolve_idle;
