//! The value lists of phone numbers.

text_enums! {
    /// How far a phone number has come.
    NumberStatus for ["phone_numbers.status"] {
        /// In use.
        Active = "active",
        /// Held, not in use.
        Inactive = "inactive",
        /// The intent to buy it is recorded.
        Provisioning = "provisioning",
        /// Something went wrong; the row says what.
        Error = "error",
        /// Given back.
        Released = "released",
    }

    /// The kind of a phone number.
    NumberType for ["phone_numbers.number_type"] {
        /// Geographic.
        Local = "local",
        /// Free for the caller.
        TollFree = "toll-free",
        /// Mobile.
        Mobile = "mobile",
    }
}
