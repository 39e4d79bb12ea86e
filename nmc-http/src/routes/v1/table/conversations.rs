//! Routes of calls, their customers, conversations and texts.

use crate::api::{Access, Api};
use crate::routes::v1::{
    call_facts, call_imports, call_participants, calls, consents, conversation_events, conversation_review, conversation_steps,
    conversations, customers, exports, messages, op, replies,
};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::{Anyone, Needs};
    use Permission::*;

    api.path("calls", "/v1/calls", |r| {
        r.get(op("listCalls", "Calls, newest first", Needs(CallsRead)), calls::list);
    });
    api.path("calls", "/v1/calls/imports", |r| {
        r.post(op("importCalls", "Import a call log, as CSV or JSON lines; each call is imported once, however often it is sent", Needs(CallsImport)), call_imports::import);
    });
    api.path("calls", "/v1/calls/{call}", |r| {
        r.get(op("getCall", "A call", Needs(CallsRead)), calls::get)
            .patch(op("changeCall", "Correct what is known about a call", Needs(CallsWrite)), calls::change);
    });
    api.path("calls", "/v1/calls/{call}/outcome", |r| {
        r.put(op("setCallOutcome", "Set the outcome of a call that has ended", Needs(CallsWrite)), calls::set_outcome);
    });
    api.path("calls", "/v1/calls/{call}/participants", |r| {
        r.get(op("listCallParticipants", "The parties of a call", Needs(CallsRead)), call_participants::list)
            .post(op("addCallParticipant", "Record that somebody joins a call now", Needs(CallsWrite)), call_participants::join);
    });
    api.path("calls", "/v1/calls/{call}/participants/{participant}/leave", |r| {
        r.post(op("leaveCall", "Record that a party leaves a call now", Needs(CallsWrite)), call_participants::leave);
    });
    api.path("calls", "/v1/calls/{call}/metadata", |r| {
        r.get(op("listCallMetadata", "The facts that are noted about a call", Needs(CallsRead)), call_facts::list);
    });
    api.path("calls", "/v1/calls/{call}/metadata/{key_name}", |r| {
        r.get(op("getCallMetadata", "A fact about a call", Needs(CallsRead)), call_facts::get)
            .put(op("setCallMetadata", "Set a fact about a call, in place of the one of this name", Needs(CallsWrite)), call_facts::set)
            .delete(op("removeCallMetadata", "Remove a fact about a call", Needs(CallsWrite)), call_facts::remove);
    });
    api.path("customers", "/v1/customers/{phone}", |r| {
        r.get(op("getCustomer", "All that is known about a customer, the latest first", Needs(CustomersRead)), customers::get)
            .delete(op("deleteCustomer", "Delete a customer's conversations, texts and calls for good; their decisions about being texted stay", Needs(CustomersDelete)), customers::delete);
    });
    api.path("customers", "/v1/customers/{phone}/export", |r| {
        r.get(op("exportCustomer", "All that the business has about a customer, as JSON lines", Needs(CustomersExport)), exports::customer);
    });

    api.path("texts", "/v1/consents", |r| {
        r.get(op("listConsents", "Customers' decisions about being texted, newest first", Needs(ConsentsRead)), consents::list)
            .post(op("recordConsent", "Record a customer's decision about being texted", Needs(ConsentsWrite)), consents::record);
    });
    api.path("conversations", "/v1/conversations", |r| {
        r.get(op("listConversations", "Conversations, newest first, each with its last text", Needs(ConversationsRead)), conversations::list)
            .post(op("openConversation", "Open a conversation with a customer who has no open one", Needs(ConversationsWrite)), conversations::open);
    });
    // Before what takes any name.
    api.path("conversations", "/v1/conversations/export", |r| {
        r.get(op("exportConversations", "Conversations with their logs and texts, as JSON lines, newest first", Needs(CustomersExport)), exports::conversations);
    });
    api.path("conversations", "/v1/conversations/{conversation}", |r| {
        r.get(op("getConversation", "A conversation, with its last text", Needs(ConversationsRead)), conversations::get)
            .patch(op("changeConversation", "Change what is known about a conversation's customer and subject", Needs(ConversationsWrite)), conversations::change)
            .delete(op("deleteConversation", "Delete a conversation with its texts and calls for good", Needs(CustomersDelete)), conversations::delete);
    });
    api.path("conversations", "/v1/conversations/{conversation}/assign", |r| {
        r.post(op("assignConversation", "Assign a conversation to a user, or to oneself", Needs(ConversationsWrite)), conversation_steps::assign);
    });
    api.path("conversations", "/v1/conversations/{conversation}/unassign", |r| {
        r.post(op("unassignConversation", "Unassign a conversation, so that anybody may take it", Needs(ConversationsWrite)), conversation_steps::unassign);
    });
    api.path("conversations", "/v1/conversations/{conversation}/resolve", |r| {
        r.post(op("resolveConversation", "Resolve a conversation: its matter is settled", Needs(ConversationsWrite)), conversation_steps::resolve);
    });
    api.path("conversations", "/v1/conversations/{conversation}/close", |r| {
        r.post(op("closeConversation", "Close a conversation", Needs(ConversationsWrite)), conversation_steps::close);
    });
    api.path("conversations", "/v1/conversations/{conversation}/read", |r| {
        r.put(op("markRead", "Mark a conversation as read by oneself", Anyone), conversation_steps::mark_read);
    });
    api.path("conversations", "/v1/conversations/{conversation}/reopen", |r| {
        r.post(op("reopenConversation", "Reopen a conversation: its matter goes on in a new one", Needs(ConversationsWrite)), conversation_steps::reopen);
    });
    api.path("conversations", "/v1/conversations/{conversation}/tags/{tag}", |r| {
        r.put(op("addTag", "Tag a conversation", Needs(ConversationsWrite)), conversation_steps::add_tag)
            .delete(op("removeTag", "Remove a tag from a conversation", Needs(ConversationsWrite)), conversation_steps::remove_tag);
    });
    api.path("conversations", "/v1/conversations/{conversation}/notes", |r| {
        r.post(op("addNote", "Write a note into a conversation's log, once for each `client_key`", Needs(ConversationsWrite)), conversation_steps::add_note);
    });
    api.path("conversations", "/v1/conversations/{conversation}/events", |r| {
        r.get(op("listConversationEvents", "What happened in a conversation, newest first", Needs(ConversationsRead)), conversation_events::list);
    });
    api.path("conversations", "/v1/conversations/{conversation}/messages", |r| {
        r.get(op("listMessages", "The texts of a conversation, with their pictures, newest first", Needs(MessagesRead)), messages::list)
            .post(op("reply", "Reply to a customer by text, once for each `client_key`", Needs(MessagesWrite)), replies::reply);
    });
    api.path("conversations", "/v1/conversations/{conversation}/messages/preview", |r| {
        r.post(op("previewReply", "Preview a reply: how long it is, and whether it may be sent", Needs(MessagesWrite)), replies::preview);
    });
    api.path("texts", "/v1/conversations/{conversation}/review", |r| {
        r.post(op("settleReview", "Say whether a text that may be an opt-out was one", Needs(ConsentsWrite)), conversation_review::settle);
    });
    api.path("texts", "/v1/messages", |r| {
        r.get(op("searchMessages", "All texts, or those that have these words, with their pictures, newest first; greetings are not searched", Needs(MessagesRead)), messages::search);
    });
    api.path("texts", "/v1/messages/{message}", |r| {
        r.get(op("getMessage", "A text, with its pictures and what became of it", Needs(MessagesRead)), messages::get);
    });
    api.path("texts", "/v1/messages/{message}/media/{position}", |r| {
        r.get(op("getMedia", "The bytes of a file of a text", Needs(MessagesRead)), messages::media);
    });
}
