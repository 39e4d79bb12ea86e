//! The value lists of the stream of events and its connections.

text_enums! {
    /// What is measured of streams of events.
    ConnectionMetricName for ["connection_metrics.metric_name"] {
        /// Streams that are open at one server.
        ConcurrentConnections = "concurrent_connections",
        /// The seconds that a stream was open.
        ConnectionDuration = "connection_duration",
        /// The events that a stream was sent.
        EventsSent = "events_sent",
    }

    /// What happened to a stream of events.
    WebsocketEventType for ["websocket_events.event_type"] {
        /// It began.
        Connect = "connect",
        /// It ended.
        Disconnect = "disconnect",
        /// Its client has entered a room.
        JoinRoom = "join_room",
        /// Its client has left a room.
        LeaveRoom = "leave_room",
        /// Its client has told the others in a room something.
        Broadcast = "broadcast",
    }

    /// The kind of change that an event of a business's stream tells of.
    StreamEventKind for ["stream_events.kind"] {
        /// An alert was raised.
        AlertCreated = "alert.created",
        /// An alert has changed.
        AlertUpdated = "alert.updated",
        /// A call was recorded.
        CallCreated = "call.created",
        /// A call, its participants or what else is known of it has changed.
        CallUpdated = "call.updated",
        /// A person's decision about being texted was recorded.
        ConsentRecorded = "consent.recorded",
        /// A conversation was opened.
        ConversationCreated = "conversation.created",
        /// A conversation has changed, or its log has grown.
        ConversationUpdated = "conversation.updated",
        /// A text came in, or was queued.
        MessageCreated = "message.created",
        /// A text or its media have changed.
        MessageUpdated = "message.updated",
        /// A phone number was taken on, or has changed.
        NumberChanged = "number.changed",
        /// A user came, went, or says something else of being reachable.
        PresenceChanged = "presence.changed",
    }
}
