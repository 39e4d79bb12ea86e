-- In one statement, because conversations and calls point at each other.
DROP TABLE consents, messages, conversation_events, call_metadata, call_participants, calls, conversations;
