//! The channel that an address may name.

use crate::MessageChannel;

/// The channel that an address names, and the address itself: `whatsapp:+14155550123`, `rcs:…`.
pub(crate) fn on_channel(address: &str) -> (MessageChannel, &str) {
    let (prefix, rest) = address.split_once(':').unwrap_or(("", address));
    match prefix.to_ascii_lowercase().as_str() {
        "whatsapp" => (MessageChannel::Whatsapp, rest),
        "rcs" => (MessageChannel::Rcs, rest),
        _ => (MessageChannel::Sms, address),
    }
}

/// The address itself, without the channel it may name.
pub(crate) fn without_channel(address: &str) -> &str {
    on_channel(address).1
}
