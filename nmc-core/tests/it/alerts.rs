//! Rules, alerts and notifications against a real database.
