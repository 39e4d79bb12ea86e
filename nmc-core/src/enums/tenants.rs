//! The value lists of businesses.

text_enums! {
    /// How a forwarded call proves that a person took it, and not a voicemail.
    CallScreening for ["business_settings.call_screening"] {
        /// The forwarded leg is asked to press a key before it is connected.
        KeyPress = "key_press",
        /// The provider listens for an answering machine.
        MachineDetection = "machine_detection",
        /// Whatever answers counts as a person.
        Off = "none",
    }

    /// Whether a business may use the platform.
    TenantStatus for ["tenants.status"] {
        /// The business may use the platform.
        Active = "active",
        /// The business left.
        Inactive = "inactive",
        /// The business was stopped.
        Suspended = "suspended",
        /// The business has not begun.
        Pending = "pending",
    }
}
