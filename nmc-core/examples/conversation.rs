//! A conversation from its opening to its end, and its log: `cargo run -p nmc-core --example conversation`

mod support;

use nmc_core::conversations::ConversationEventFilter;
use nmc_core::conversations::NewConversation;
use nmc_core::people::NewUser;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{CallerIdentity, ConversationChannel, ConversationPriority, Error, PageRequest, UserRole};
use uuid::Uuid;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (_server, store) = support::store()?;
    let run = Uuid::new_v4();
    let business = NewTenant { business_name: format!("Joe's Plumbing {run}"), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;
    let ada = NewUser {
        email: format!("ada+{run}@example.com").parse()?,
        password_hash: "$2b$12$made-by-your-login-service".to_owned(),
        first_name: Some("Ada".to_owned()),
        last_name: None,
        role: UserRole::Operator,
        email_verified: true,
    };
    let ada = store.tenant(&tenant, |tx| tx.users().create(&ada))?;

    let new = NewConversation {
        customer_phone: CallerIdentity::Phone("+14155550123".parse()?),
        channel: ConversationChannel::Phone,
        subject: Some("Water heater leaks".to_owned()),
        customer_name: Some("Ann".to_owned()),
    };
    // The log names whoever the transaction acts for.
    let resolved = store.tenant_on_behalf_of(&tenant, ada.id, |tx| {
        let opened = tx.conversations().create(&new)?;
        tx.conversations().add_note(opened.id, "Comes by on Tuesday.")?;
        tx.conversations().assign(opened.id, Some(ada.id))?;
        tx.conversations().set_priority(opened.id, ConversationPriority::Urgent)?;
        tx.conversations().add_tag(opened.id, "leak")?;
        tx.conversations().resolve(opened.id)
    })?;
    println!("{}: {}, {}, {:?}", resolved.subject.unwrap_or_default(), resolved.status, resolved.priority, resolved.tags);

    // What can't be is refused, and changes nothing.
    match store.tenant(&tenant, |tx| tx.conversations().resolve(resolved.id)) {
        Err(error @ Error::InvalidTransition { .. }) => println!("once more: {error}"),
        other => return Err(format!("a second end: {other:?}").into()),
    }

    // The log has each change with the old value and the new one. Pages come newest first.
    let log = store
        .tenant(&tenant, |tx| tx.conversation_events().list(&ConversationEventFilter::of(resolved.id), PageRequest::first()))?;
    for event in log.items.iter().rev() {
        let by = if event.created_by == Some(ada.id) { "Ada" } else { "the platform" };
        println!("{} by {by}: {}", event.event_type, event.event_data);
    }
    Ok(())
}
