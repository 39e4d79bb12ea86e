//! Every filter that a list offers, by itself and some together: what the benchmark of scale measures, and a test looks at the plans of.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::calls::CallFilter;
use nmc_core::conversations::{Assignee, ConsentFilter, ConversationEventFilter, ConversationFilter, MessageFilter};
use nmc_core::{
    CallDirection, CallId, CallOutcome, CallStatus, CallerIdentity, ConsentAction, ConversationChannel, ConversationEventType,
    ConversationId, ConversationPriority, ConversationStatus, MessageDirection, MessageKind, MessageStatus, PhoneNumber, UserId,
};

/// What is asked for in one business.
pub(crate) struct Asked {
    /// A member of staff, who looks after some of the conversations.
    pub(crate) user: UserId,
    pub(crate) number: PhoneNumber,
    pub(crate) conversation: ConversationId,
    /// The customer of it.
    pub(crate) customer: CallerIdentity,
    /// A call of it.
    pub(crate) call: CallId,
    /// A word that many customers have in their name.
    pub(crate) name: String,
    /// An instant with many calls before and after it.
    pub(crate) at: DateTime<Utc>,
}

/// A filter, and what it is called.
pub(crate) type Named<F> = (&'static str, F);

impl Asked {
    pub(crate) fn calls(&self) -> Vec<Named<CallFilter>> {
        let all = CallFilter::default;
        let missed = || CallFilter { outcome: Some(CallOutcome::Missed), ..all() };
        let began_in = |span| CallFilter { started_from: Some(self.at), started_until: Some(self.at + span), ..all() };
        vec![
            ("all", all()),
            ("status busy", CallFilter { status: Some(CallStatus::Busy), ..all() }),
            ("status completed", CallFilter { status: Some(CallStatus::Completed), ..all() }),
            ("status ringing", CallFilter { status: Some(CallStatus::Ringing), ..all() }),
            ("outcome missed", missed()),
            ("outcome voicemail", CallFilter { outcome: Some(CallOutcome::Voicemail), ..all() }),
            ("outbound", CallFilter { direction: Some(CallDirection::Outbound), ..all() }),
            ("inbound", CallFilter { direction: Some(CallDirection::Inbound), ..all() }),
            ("caller", CallFilter { caller: Some(self.customer.clone()), ..all() }),
            ("called", CallFilter { called: Some(self.number.clone()), ..all() }),
            ("called, missed", CallFilter { called: Some(self.number.clone()), ..missed() }),
            ("conversation", CallFilter { conversation: Some(self.conversation), ..all() }),
            ("active", CallFilter { active: Some(true), ..all() }),
            ("over", CallFilter { active: Some(false), ..all() }),
            ("from", CallFilter { from: Some(self.at), ..all() }),
            ("until", CallFilter { until: Some(self.at), ..all() }),
            ("until, missed", CallFilter { until: Some(self.at), ..missed() }),
            ("began from", CallFilter { started_from: Some(self.at), ..all() }),
            ("began until", CallFilter { started_until: Some(self.at), ..all() }),
            ("began until, missed", CallFilter { started_until: Some(self.at), ..missed() }),
            ("began within an hour", began_in(TimeDelta::hours(1))),
            (
                "began within a day, voicemail",
                CallFilter { outcome: Some(CallOutcome::Voicemail), ..began_in(TimeDelta::days(1)) },
            ),
        ]
    }

    pub(crate) fn conversations(&self) -> Vec<Named<ConversationFilter>> {
        let all = ConversationFilter::default;
        let open = || ConversationFilter { open: Some(true), ..all() };
        let (staffs, nobodys) = (Some(Assignee::User(self.user)), Some(Assignee::Nobody));
        let often = || ConversationFilter { tag: Some("often".to_owned()), ..all() };
        vec![
            ("all", all()),
            ("open", open()),
            ("finished", ConversationFilter { open: Some(false), ..all() }),
            ("waiting", ConversationFilter { status: Some(ConversationStatus::Waiting), ..all() }),
            ("closed", ConversationFilter { status: Some(ConversationStatus::Closed), ..all() }),
            ("urgent", ConversationFilter { priority: Some(ConversationPriority::Urgent), ..all() }),
            ("urgent, open", ConversationFilter { priority: Some(ConversationPriority::Urgent), ..open() }),
            ("normal", ConversationFilter { priority: Some(ConversationPriority::Normal), ..all() }),
            ("email", ConversationFilter { channel: Some(ConversationChannel::Email), ..all() }),
            ("sms", ConversationFilter { channel: Some(ConversationChannel::Sms), ..all() }),
            ("phone", ConversationFilter { channel: Some(ConversationChannel::Phone), ..all() }),
            ("somebody's", ConversationFilter { assigned_to: staffs, ..all() }),
            ("somebody's, open", ConversationFilter { assigned_to: staffs, ..open() }),
            ("nobody's", ConversationFilter { assigned_to: nobodys, ..all() }),
            ("nobody's, open", ConversationFilter { assigned_to: nobodys, ..open() }),
            ("customer", ConversationFilter { customer: Some(self.customer.clone()), ..all() }),
            ("a tag of many", often()),
            ("a tag of many, in review", ConversationFilter { in_review: Some(true), ..often() }),
            ("a tag of few", ConversationFilter { tag: Some("rare".to_owned()), ..all() }),
            ("in review", ConversationFilter { in_review: Some(true), ..all() }),
            ("not in review", ConversationFilter { in_review: Some(false), ..all() }),
            ("unread", ConversationFilter { unread_by: Some(self.user), ..all() }),
            ("read", ConversationFilter { read_by: Some(self.user), ..all() }),
            ("from", ConversationFilter { from: Some(self.at), ..all() }),
            ("until", ConversationFilter { until: Some(self.at), ..all() }),
        ]
    }

    /// Searches for customers together with a filter.
    pub(crate) fn customers(&self) -> Vec<Named<ConversationFilter>> {
        let of = [
            "all",
            "open",
            "closed",
            "urgent",
            "email",
            "somebody's",
            "a tag of many",
            "a tag of few",
            "in review",
            "unread",
            "until",
        ];
        let mut asked = self.conversations();
        asked.retain(|(what, _)| of.contains(what));
        asked
    }

    /// Filters for texts of one conversation, and of all.
    pub(crate) fn messages(&self) -> Vec<Named<MessageFilter>> {
        let all = MessageFilter::default;
        let one = || MessageFilter { conversation: Some(self.conversation), ..all() };
        let with = |status| MessageFilter { status: Some(status), ..all() };
        let failed = || MessageFilter { failed: Some(true), ..all() };
        vec![
            ("of one", one()),
            ("of one, failed", MessageFilter { failed: Some(true), ..one() }),
            ("of one, undelivered", MessageFilter { status: Some(MessageStatus::Undelivered), ..one() }),
            ("of one, inbound", MessageFilter { direction: Some(MessageDirection::Inbound), ..one() }),
            ("of one, greetings", MessageFilter { kind: Some(MessageKind::Greeting), ..one() }),
            ("all", all()),
            ("queued", with(MessageStatus::Queued)),
            ("sending", with(MessageStatus::Sending)),
            ("delivered", with(MessageStatus::Delivered)),
            ("undelivered", with(MessageStatus::Undelivered)),
            ("canceled", with(MessageStatus::Canceled)),
            ("received", with(MessageStatus::Received)),
            ("failed", failed()),
            ("failed greetings", MessageFilter { kind: Some(MessageKind::Greeting), ..failed() }),
            ("failed, until", MessageFilter { until: Some(self.at), ..failed() }),
            ("not failed", MessageFilter { failed: Some(false), ..all() }),
            ("inbound", MessageFilter { direction: Some(MessageDirection::Inbound), ..all() }),
            ("outbound", MessageFilter { direction: Some(MessageDirection::Outbound), ..all() }),
            ("greetings", MessageFilter { kind: Some(MessageKind::Greeting), ..all() }),
            ("answers to keywords", MessageFilter { kind: Some(MessageKind::KeywordReply), ..all() }),
            (
                "of staff",
                MessageFilter { kind: Some(MessageKind::Message), direction: Some(MessageDirection::Outbound), ..all() },
            ),
            ("from", MessageFilter { from: Some(self.at), ..all() }),
            ("until", MessageFilter { until: Some(self.at), ..all() }),
            (
                "until, answers to keywords",
                MessageFilter { until: Some(self.at), kind: Some(MessageKind::KeywordReply), ..all() },
            ),
        ]
    }

    pub(crate) fn consents(&self) -> Vec<Named<ConsentFilter>> {
        let all = ConsentFilter::default;
        let customer = || ConsentFilter { customer: self.customer.phone().cloned(), ..all() };
        vec![
            ("all", all()),
            ("opt-outs", ConsentFilter { action: Some(ConsentAction::OptOut), ..all() }),
            ("opt-ins", ConsentFilter { action: Some(ConsentAction::OptIn), ..all() }),
            ("opt-outs in force", ConsentFilter { action: Some(ConsentAction::OptOut), latest: true, ..all() }),
            ("customer", customer()),
            ("customer, opt-ins", ConsentFilter { action: Some(ConsentAction::OptIn), ..customer() }),
        ]
    }

    /// Filters for the log of one conversation.
    pub(crate) fn events(&self) -> Vec<Named<ConversationEventFilter>> {
        let all = || ConversationEventFilter::of(self.conversation);
        let of_type = |kind| ConversationEventFilter { event_type: Some(kind), ..all() };
        vec![
            ("all", all()),
            ("texts received", of_type(ConversationEventType::MessageReceived)),
            ("assigned", of_type(ConversationEventType::Assigned)),
            ("of a call", ConversationEventFilter { call: Some(self.call), ..all() }),
            ("somebody's", ConversationEventFilter { created_by: Some(self.user), ..all() }),
            (
                "somebody's, assigned",
                ConversationEventFilter { created_by: Some(self.user), ..of_type(ConversationEventType::Assigned) },
            ),
            ("from", ConversationEventFilter { from: Some(self.at), ..all() }),
            ("until", ConversationEventFilter { until: Some(self.at), ..all() }),
        ]
    }
}
