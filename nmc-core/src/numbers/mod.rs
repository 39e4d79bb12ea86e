//! The phone numbers tenants hold.

mod phone_number;

pub use phone_number::{HeldNumber, NewPhoneNumber, NumberFilter, NumberPatch, PhoneNumbers};
