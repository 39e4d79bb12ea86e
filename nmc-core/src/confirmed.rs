/// The word of whoever calls a destructive function that they mean it: what it destroys can't be had back.
///
/// Make one where a person, or a policy of yours, has said yes; not in passing.
#[derive(Debug)]
#[must_use = "it confirms nothing until it is handed to the call that asks for it"]
pub struct Confirmed(());

impl Confirmed {
    /// The confirmation of somebody who was told what will be destroyed, and said yes.
    pub const fn irrevocably() -> Self {
        Self(())
    }
}
