use super::TestDb;
use crate::conversations::{ConversationEventFilter, Message, MessageFilter, NewConversation, NewMessage};
use crate::numbers::NewPhoneNumber;
use crate::people::NewUser;
use crate::store::{Store, Tenant};
use crate::telephony::CallFacts;
use crate::telephony::VoiceCallback;
use crate::tenants::{NewTenant, TenantRow};
use crate::workflows::onboard;
use crate::{
    CallId, CallerIdentity, ConversationChannel, ConversationEventType, ConversationId, Email, MessageId, MessageKind,
    NumberType, PageRequest, PhoneNumber, Result, UserId, UserRole,
};
use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

/// A number that nothing else in this test run has.
#[must_use]
pub fn unique_phone() -> PhoneNumber {
    format!("+1555{:07}", next()).parse().expect("a number")
}

/// A SID that nothing else in this test run has.
#[must_use]
pub fn unique_sid(prefix: &str) -> String {
    format!("{prefix}{:032x}", next())
}

/// A tenant with settings and one active number.
#[derive(Debug, Clone)]
pub struct Business {
    /// The proof that a transaction may act for the business.
    pub tenant: Tenant,
    /// The row of the business.
    pub row: TenantRow,
    /// The number of the business.
    pub number: PhoneNumber,
}

impl Business {
    /// Takes in a business of this name; give every one of a test another.
    #[must_use]
    pub fn onboard(store: &Store, name: &str) -> Self {
        let new = NewTenant { business_name: name.to_owned(), ..NewTenant::default() };
        let (tenant, row) = onboard(store, &new).expect("a business");
        let mut business = Self { tenant, row, number: unique_phone() };
        business.number = business.add_number(store);
        business
    }

    /// Gives the business one more active number.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn add_number(&self, store: &Store) -> PhoneNumber {
        let number = unique_phone();
        store
            .tenant(&self.tenant, |tx| {
                tx.phone_numbers().create(&NewPhoneNumber {
                    phone_number: number.clone(),
                    twilio_phone_sid: Some(unique_sid("PN")),
                    locality: None,
                    region: None,
                    number_type: NumberType::Local,
                    price: None,
                })
            })
            .expect("its number");
        number
    }

    /// Suspends the business, or takes it back.
    pub fn suspend(&self, db: &TestDb, suspended: bool) {
        let status = if suspended { "suspended" } else { "active" };
        let (active, id) = (!suspended, self.tenant.id());
        db.execute(&format!("UPDATE tenants SET is_active = {active}, status = '{status}' WHERE id = '{id}'"));
    }

    /// Takes an operator's approval of the business back, or gives it again: numbers and texts from before stay.
    pub fn disapprove(&self, db: &TestDb, disapproved: bool) {
        let (at, id) = (if disapproved { "NULL" } else { "now()" }, self.tenant.id());
        db.execute(&format!("UPDATE tenants SET approved_at = {at} WHERE id = '{id}'"));
    }

    /// The open conversation of the business with this customer, opened by staff if there is none.
    ///
    /// # Panics
    /// When it is refused.
    pub fn conversation_with(&self, store: &Store, customer: &PhoneNumber) -> ConversationId {
        let customer_phone = CallerIdentity::Phone(customer.clone());
        let found = store.tenant(&self.tenant, |tx| {
            if let Some(open) = tx.conversations().find_open(&customer_phone)? {
                return Ok(open);
            }
            tx.conversations().create(&NewConversation {
                customer_phone: customer_phone.clone(),
                channel: ConversationChannel::Phone,
                subject: None,
                customer_name: None,
            })
        });
        found.expect("a conversation").id
    }

    /// A new user of the business, who can't log in.
    ///
    /// # Panics
    /// When it is refused.
    pub fn user(&self, store: &Store) -> UserId {
        let email: Email = format!("{}@example.com", Uuid::now_v7()).parse().expect("an address");
        let new = NewUser {
            email,
            password_hash: "none".to_owned(),
            first_name: None,
            last_name: None,
            role: UserRole::Operator,
            email_verified: true,
        };
        store.tenant(&self.tenant, |tx| tx.users().create(&new)).expect("a user").id
    }

    /// A call that a new caller made in vain, with the conversation and the greeting that follow.
    ///
    /// # Panics
    /// When it is refused.
    pub fn missed(&self, store: &Store) -> CallId {
        let callback = VoiceForm::missed(unique_phone().as_str(), &self.number, &unique_sid("CA")).parse();
        crate::workflows::record_voice_status(store, &callback).expect("a call").call
    }

    /// Words of staff, to be queued in a conversation.
    #[must_use]
    pub fn words(&self, conversation: ConversationId, body: &str) -> NewMessage {
        NewMessage {
            conversation_id: conversation,
            from_number: self.number.clone(),
            body: body.to_owned(),
            kind: MessageKind::Message,
        }
    }

    /// Queues a text to this customer, in their open conversation.
    ///
    /// # Errors
    /// As [`crate::conversations::Messages::queue`].
    pub fn queue(&self, store: &Store, customer: &PhoneNumber, body: &str) -> Result<Message> {
        let words = self.words(self.conversation_with(store, customer), body);
        store.tenant(&self.tenant, |tx| tx.messages().queue(&words))
    }

    /// The text of the business with this id.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn message(&self, store: &Store, id: MessageId) -> Message {
        store.tenant(&self.tenant, |tx| tx.messages().get(id)).expect("a text")
    }

    /// The events of a conversation, oldest first; 200 at the most.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn events(&self, store: &Store, conversation: ConversationId) -> Vec<ConversationEventType> {
        let page = PageRequest::new(PageRequest::MAX, None).expect("a page");
        let log = store
            .tenant(&self.tenant, |tx| tx.conversation_events().list(&ConversationEventFilter::of(conversation), page))
            .expect("its log");
        log.items.iter().rev().map(|event| event.event_type).collect()
    }

    /// The texts of the business in and out, newest first; 200 at the most.
    ///
    /// # Panics
    /// When they can't be read.
    #[must_use]
    pub fn messages(&self, store: &Store, filter: &MessageFilter) -> Vec<Message> {
        let page = PageRequest::new(PageRequest::MAX, None).expect("a page");
        store.tenant(&self.tenant, |tx| tx.messages().list(filter, page)).expect("its texts").items
    }
}

/// A voice callback's form, to be changed field by field.
#[derive(Debug, Clone)]
pub struct VoiceForm(pub Vec<(String, String)>);

impl VoiceForm {
    /// An inbound call that rang out: the plainest missed call.
    #[must_use]
    pub fn missed(from: &str, to: &PhoneNumber, sid: &str) -> Self {
        Self(Vec::new())
            .with("CallSid", sid)
            .with("From", from)
            .with("To", to.as_str())
            .with("Direction", "inbound")
            .with("CallStatus", "no-answer")
            .with("AccountSid", "AC00000000000000000000000000000000")
            .with("ApiVersion", "2010-04-01")
    }

    /// The same form with this field, instead of the one of that name if there is one.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same form without this field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// The callback as which the library reads the form.
    #[must_use]
    pub fn parse(&self) -> VoiceCallback {
        VoiceCallback::parse(&self.0).expect("a callback")
    }

    /// The facts that the form tells of the call.
    #[must_use]
    pub fn facts(&self) -> CallFacts {
        self.parse().facts
    }
}
