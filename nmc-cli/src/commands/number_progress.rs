//! What is told on standard error while Twilio is waited for.

use nmc_core::numbers::Progress;

/// Prints a line per step.
pub(super) fn tell(doing: String) -> impl FnMut(Progress) {
    move |progress| match progress {
        Progress::Quoting => eprintln!("asking Twilio for its price …"),
        Progress::Committed => eprintln!("that is recorded: from here on it is taken to its end, by a worker if need be"),
        Progress::Asking => eprintln!("{doing} …"),
        Progress::LookingUp => eprintln!("asking Twilio whether the account owns it …"),
        Progress::Waiting(at) => eprintln!("not done yet; trying again at {} UTC", at.format("%H:%M:%S")),
        _ => {}
    }
}
