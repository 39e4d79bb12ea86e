//! What every queue of the database shares.

mod stop;

pub(crate) use stop::Stop;
