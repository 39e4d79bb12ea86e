//! Lifecycles: which status may follow which, one table each. The SQL that moves a row carries the same condition.

use crate::{CallOutcome, CallStatus, ConversationStatus, MessageStatus, NumberStatus};

impl CallStatus {
    /// Its place on the way forward; terminal states share the last place.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Initiated => 0,
            Self::Ringing => 1,
            Self::InProgress => 2,
            Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled => 3,
        }
    }

    /// Whether the call has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self.rank() == 3
    }

    /// The status after hearing of `other`, in any order: forward only, and the first terminal state stays.
    #[must_use]
    pub const fn advance(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}

impl CallOutcome {
    /// Whether the caller is owed a text: the business did not speak to them, and they wanted it to.
    #[must_use]
    pub const fn wants_greeting(self) -> bool {
        matches!(self, Self::Missed | Self::Voicemail | Self::Abandoned)
    }
}

impl ConversationStatus {
    /// Whether the conversation still takes calls and texts.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Waiting)
    }

    /// Whether it may become `to`. An open one may wait, be resolved or closed; a resolved one may be closed; a settled
    /// one never reopens: the customer's next word opens a new conversation.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Active, Self::Waiting | Self::Resolved | Self::Closed)
                | (Self::Waiting, Self::Active | Self::Resolved | Self::Closed)
                | (Self::Resolved, Self::Closed)
        )
    }
}

impl MessageStatus {
    /// The statuses a row may have for a report of `self` to move it: the places strictly before it.
    ///
    /// queued < scheduled < accepted < sending < sent < {delivered, undelivered, failed, canceled} < read;
    /// receiving < received.
    #[must_use]
    pub fn predecessors(self) -> Vec<Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|from| from.is_inbound() == self.is_inbound() && from.rank() < self.rank())
            .filter(|from| self != Self::Read || !matches!(from, Self::Undelivered | Self::Failed | Self::Canceled))
            .collect()
    }

    const fn is_inbound(self) -> bool {
        matches!(self, Self::Receiving | Self::Received)
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Queued | Self::Receiving => 0,
            Self::Scheduled => 1,
            Self::Accepted => 2,
            Self::Sending => 3,
            Self::Sent | Self::Received => 4,
            Self::PartiallyDelivered => 5,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled => 6,
            Self::Read => 7,
        }
    }
}

impl NumberStatus {
    /// Whether it may become `to`.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Provisioning, Self::Active | Self::Error | Self::Released)
                | (Self::Error, Self::Provisioning | Self::Active | Self::Released)
                | (Self::Active, Self::Inactive | Self::Released)
                | (Self::Inactive, Self::Active | Self::Released)
        )
    }
}
