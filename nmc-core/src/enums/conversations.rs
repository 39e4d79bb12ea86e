//! The value lists of conversations, texts and consents.

text_enums! {
    /// A customer's decision about being texted.
    ConsentAction for ["consents.action"] {
        /// No more texts.
        OptOut = "opt_out",
        /// Texts are welcome again.
        OptIn = "opt_in",
    }

    /// How a consent decision reached us.
    ConsentSource for ["consents.source"] {
        /// The customer texted a keyword.
        Keyword = "keyword",
        /// Staff recorded it by hand.
        Staff = "staff",
        /// The provider told us.
        Provider = "provider",
    }

    /// The channel on which a conversation began.
    ConversationChannel for ["conversations.channel"] {
        /// With a call.
        Phone = "phone",
        /// With a text.
        Sms = "sms",
        /// With an e-mail.
        Email = "email",
        /// On the web.
        Web = "web",
    }

    /// What happened in a conversation: the kinds of the source document (docs/SCHEMA.md), and below them ours.
    ConversationEventType for ["conversation_events.event_type"] {
        /// A call began.
        CallStarted = "call_started",
        /// A call ended.
        CallEnded = "call_ended",
        /// Staff wrote a note.
        NoteAdded = "note_added",
        /// The status moved.
        StatusChanged = "status_changed",
        /// The priority moved.
        PriorityChanged = "priority_changed",
        /// The conversation was given to someone.
        Assigned = "assigned",
        /// The conversation was taken from someone.
        Unassigned = "unassigned",
        /// A tag was added.
        TagAdded = "tag_added",
        /// A tag was removed.
        TagRemoved = "tag_removed",
        /// Name, e-mail or address of the customer changed.
        CustomerInfoUpdated = "customer_info_updated",
        /// The conversation was opened.
        Opened = "opened",
        /// The customer texted.
        MessageReceived = "message_received",
        /// A text to the customer was queued.
        MessageQueued = "message_queued",
        /// A text to the customer was given up.
        MessageFailed = "message_failed",
        /// A late fact changed what a call had been.
        OutcomeChanged = "outcome_changed",
        /// The customer wants no more texts.
        OptedOut = "opted_out",
        /// The customer wants texts again.
        OptedIn = "opted_in",
        /// A missed call was not answered by a text, for a reason.
        NotTexted = "not_texted",
        /// A text came that may be an opt-out; staff have to decide.
        ReviewRequested = "review_requested",
        /// Staff have decided about a text that might have been an opt-out.
        ReviewSettled = "review_settled",
        /// A call could not be forwarded to the business's phone.
        ForwardingFailed = "forwarding_failed",
    }

    /// How a text travelled.
    MessageChannel for ["messages.channel"] {
        /// SMS or MMS.
        Sms = "sms",
        /// Rich Communication Services.
        Rcs = "rcs",
        /// WhatsApp.
        Whatsapp = "whatsapp",
    }

    /// How far a picture of a text has come.
    MediaStatus for ["message_media.status"] {
        /// The file's bytes are still to be fetched from the provider.
        Waiting = "waiting",
        /// The file's bytes are kept here.
        Kept = "kept",
        /// The file's bytes can't be kept: gone, too large, or of a kind that is not kept.
        Unavailable = "unavailable",
    }

    /// How urgent a conversation is.
    ConversationPriority for ["conversations.priority"] {
        /// The conversation can wait.
        Low = "low",
        /// In turn.
        Normal = "normal",
        /// Before others.
        High = "high",
        /// At once.
        Urgent = "urgent",
    }

    /// How far a conversation has come. `active` and `waiting` are open.
    ConversationStatus for ["conversations.status"] {
        /// Somebody should act.
        Active = "active",
        /// The customer should act.
        Waiting = "waiting",
        /// The matter is settled.
        Resolved = "resolved",
        /// Put away.
        Closed = "closed",
    }

    /// The direction of a text, seen from the business.
    MessageDirection for ["messages.message_direction"] {
        /// From the customer.
        Inbound = "inbound",
        /// To the customer.
        Outbound = "outbound",
    }

    /// The reason why a text exists.
    MessageKind for ["messages.message_kind"] {
        /// The first word after a missed call.
        Greeting = "greeting",
        /// The answer to a keyword such as HELP.
        KeywordReply = "keyword_reply",
        /// Written by a person or the assistant.
        Message = "message",
    }

    /// Twilio's status of a text. A `queued` outbound row is our outbox.
    MessageStatus for ["messages.message_status"] {
        /// Waits for our worker.
        Queued = "queued",
        /// The provider sends it later.
        Scheduled = "scheduled",
        /// The provider has it.
        Accepted = "accepted",
        /// The provider hands it to the carrier.
        Sending = "sending",
        /// The carrier has it.
        Sent = "sent",
        /// The text arrived.
        Delivered = "delivered",
        /// The carrier could not deliver it.
        Undelivered = "undelivered",
        /// The text was not sent.
        Failed = "failed",
        /// The text was called off before it was sent.
        Canceled = "canceled",
        /// Inbound, on its way.
        Receiving = "receiving",
        /// Inbound, here.
        Received = "received",
        /// The recipient has opened it.
        Read = "read",
        /// Some recipients have it.
        PartiallyDelivered = "partially_delivered",
    }
}
