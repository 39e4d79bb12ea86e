//! The value lists of calls.

text_enums! {
    /// The direction of a call, seen from the business.
    CallDirection for ["calls.call_direction"] {
        /// A customer calls the business.
        Inbound = "inbound",
        /// The business calls a customer.
        Outbound = "outbound",
    }

    /// The outcome of an inbound call, decided when it ends.
    CallOutcome for ["calls.outcome"] {
        /// A person of the business talked to the caller.
        Answered = "answered",
        /// Nobody took the call.
        Missed = "missed",
        /// A machine took the call.
        Voicemail = "voicemail",
        /// The caller hung up while it rang.
        Abandoned = "abandoned",
        /// Spam, or the tenant's own number.
        Blocked = "blocked",
        /// The call could not be connected.
        Failed = "failed",
    }

    /// Twilio's status of a call.
    CallStatus for ["calls.call_status"] {
        /// Accepted by the provider.
        Initiated = "initiated",
        /// The call rings.
        Ringing = "ringing",
        /// Somebody or something has picked up.
        InProgress = "in-progress",
        /// Ended after being connected.
        Completed = "completed",
        /// The line was busy.
        Busy = "busy",
        /// Nobody picked up.
        NoAnswer = "no-answer",
        /// The call could not be connected.
        Failed = "failed",
        /// The caller hung up while it rang.
        Canceled = "canceled",
    }

    /// The kind of a call.
    CallType for ["calls.call_type"] {
        /// One caller, one callee.
        Voice = "voice",
        /// Several parties.
        Conference = "conference",
        /// Passed on to another number.
        Forwarded = "forwarded",
    }

    /// Twilio's status of the leg that forwards a call to the business.
    ForwardedLegStatus for ["calls.forwarded_leg_status"] {
        /// The leg was taken and has ended.
        Completed = "completed",
        /// The leg was taken.
        Answered = "answered",
        /// Busy.
        Busy = "busy",
        /// Not taken.
        NoAnswer = "no-answer",
        /// Not connected.
        Failed = "failed",
        /// Given up before it was taken.
        Canceled = "canceled",
    }

    /// The type a metadata value was declared with.
    MetadataType for ["call_metadata.metadata_type"] {
        /// Any text.
        String = "string",
        /// A decimal number.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A JSON document.
        Json = "json",
    }

    /// A party's part in a call.
    ParticipantType for ["call_participants.participant_type"] {
        /// Who calls.
        Caller = "caller",
        /// Who is called.
        Callee = "callee",
        /// A person of the business.
        Agent = "agent",
        /// The assistant.
        AiAssistant = "ai-assistant",
    }
}
