//! Lifecycles: which status may follow which, one table each. The SQL that moves a row carries the same condition.

use crate::{
    AlertStatus, CallOutcome, CallStatus, ConversationStatus, Error, JobStatus, MessageStatus, NotificationStatus, NumberStatus,
    Result, TenantStatus,
};

/// Each status of a list with those that may follow it. One that none may follow is terminal and stays.
macro_rules! lifecycles {
    ($($(#[doc = $doc:literal])* $status:ident of $entity:literal { $($from:ident => [$($to:ident),*],)+ })*) => {$(
        impl $status {
            $(#[doc = $doc])*
            #[must_use]
            pub const fn followers(self) -> &'static [Self] {
                match self { $(Self::$from => &[$(Self::$to),*],)+ }
            }

            /// Whether this status may become `to`.
            #[must_use]
            pub fn may_become(self, to: Self) -> bool {
                self.followers().contains(&to)
            }

            /// Whether no status may follow this one.
            #[must_use]
            pub const fn is_terminal(self) -> bool {
                self.followers().is_empty()
            }

            /// Insists that this status may become `to`.
            ///
            /// # Errors
            /// [`Error::InvalidTransition`].
            pub fn must_become(self, to: Self) -> Result<()> {
                if self.may_become(to) {
                    return Ok(());
                }
                Err(Error::InvalidTransition { entity: $entity, from: self.label(), to: to.label() })
            }
        }
    )*};
}

lifecycles! {
    /// The statuses that may follow this one. All but a resolved alert are open; one that is open may be acknowledged again after
    /// it was escalated or has woken, and escalated again to the next level.
    AlertStatus of "alert" {
        Triggered => [Acknowledged, Escalated, Snoozed, Resolved],
        Acknowledged => [Escalated, Snoozed, Resolved],
        Escalated => [Escalated, Acknowledged, Snoozed, Resolved],
        Snoozed => [Triggered, Acknowledged, Escalated, Snoozed, Resolved],
        Resolved => [],
    }

    /// The statuses that may follow this one: forward only, and the first terminal state stays.
    CallStatus of "call" {
        Initiated => [Ringing, InProgress, Completed, Busy, NoAnswer, Failed, Canceled],
        Ringing => [InProgress, Completed, Busy, NoAnswer, Failed, Canceled],
        InProgress => [Completed, Busy, NoAnswer, Failed, Canceled],
        Completed => [],
        Busy => [],
        NoAnswer => [],
        Failed => [],
        Canceled => [],
    }

    /// The statuses that may follow this one. An open one may wait, be resolved or closed; a resolved one may be closed; a
    /// settled one never reopens: the customer's next word opens a new conversation.
    ConversationStatus of "conversation" {
        Active => [Waiting, Resolved, Closed],
        Waiting => [Active, Resolved, Closed],
        Resolved => [Closed],
        Closed => [],
    }

    /// The statuses that may follow this one. A worker that fails leaves a job pending again until its attempts are used up; one
    /// that dies leaves it processing, for the next worker to take over.
    JobStatus of "job" {
        Pending => [Processing, Failed],
        Processing => [Pending, Completed, Failed],
        Completed => [],
        Failed => [],
    }

    /// The statuses that may follow this one. Each attempt that fails leaves it retrying until its attempts are used up.
    NotificationStatus of "notification" {
        Pending => [Delivered, Retrying, Failed],
        Retrying => [Retrying, Delivered, Failed],
        Delivered => [],
        Failed => [],
    }

    /// The statuses that may follow this one. One that the provider turns out to have lost is in error, and may be bought again.
    NumberStatus of "phone number" {
        Provisioning => [Active, Error, Released],
        Error => [Provisioning, Active, Released],
        Active => [Inactive, Error, Released],
        Inactive => [Active, Error, Released],
        Released => [],
    }

    /// The statuses that may follow this one. A business that left may come back.
    TenantStatus of "tenant" {
        Pending => [Active, Inactive],
        Active => [Suspended, Inactive],
        Suspended => [Active, Inactive],
        Inactive => [Active],
    }
}

impl AlertStatus {
    /// Whether the alert still wants attention, now or later.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_terminal()
    }

    /// Whether the alert wants attention now.
    #[must_use]
    pub const fn is_active(self) -> bool {
        self.is_open() && !matches!(self, Self::Snoozed)
    }
}

impl CallStatus {
    /// The status after hearing of `other`, in any order: what comes late changes nothing.
    #[must_use]
    pub fn advance(self, other: Self) -> Self {
        if self.may_become(other) { other } else { self }
    }

    /// Whether the call is under way.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !self.is_terminal()
    }
}

impl CallOutcome {
    /// Whether the caller is owed a text: the business did not speak to them, and they wanted it to.
    #[must_use]
    pub const fn wants_greeting(self) -> bool {
        matches!(self, Self::Missed | Self::Voicemail | Self::Abandoned)
    }
}

impl JobStatus {
    /// Whether the job is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_terminal()
    }
}

impl ConversationStatus {
    /// Whether the conversation still takes calls and texts.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Waiting)
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

    /// Whether the text never arrived: the provider or the carrier gave it up, or we did.
    #[must_use]
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::Undelivered)
    }

    /// Whether the text is a customer's.
    #[must_use]
    pub const fn is_inbound(self) -> bool {
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
