//! The demo: a plumbing business buys a number and misses two calls, one of which its owner's voicemail takes; both callers get a text,
//! and one sends a picture. Over HTTP, signed, like Twilio.

use crate::error::{CliError, CliResult};
use crate::transcript::Transcript;
use nmc_core::access::Acting;
use nmc_core::calls::CallFilter;
use nmc_core::conversations::MessageFilter;
use nmc_core::fake_twilio::FakeTwilio;
use nmc_core::numbers::{NumberFilter, NumberOrder, Provisioner};
use nmc_core::store::Reason;
use nmc_core::telephony::{NumberSearch, friendly_name};
use nmc_core::tenants::{NewTenant, TenantFilter};
use nmc_core::twilio::Signer;
use nmc_core::workflows::onboard;
use nmc_core::{
    CallerIdentity, ConversationId, Country, MediaStatus, MessageDirection, MessageStatus, NumberStatus, NumberType, PageRequest,
    PhoneNumber, Secret, Store, Tenant,
};
use picture::dripping_tap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

mod picture;

pub(crate) const BUSINESS: &str = "Joe's Plumbing";

/// The parts that a demo is played with.
pub(crate) struct Demo<'a> {
    pub(crate) store: &'a Store,
    pub(crate) numbers: &'a Provisioner,
    /// The stand-in for Twilio, which keeps the pictures that customers send.
    pub(crate) stand_in: &'a FakeTwilio,
    /// The address that webhooks are sent to.
    pub(crate) address: SocketAddr,
    /// The address of the page.
    pub(crate) page: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) token: Secret,
}

/// A call that nobody takes, as its last callback tells of it.
pub(crate) const MISSED: [(&str, &str); 4] =
    [("CallStatus", "no-answer"), ("CallDuration", "0"), ("FromCity", "SAN FRANCISCO"), ("FromState", "CA")];

/// Plays a call that nobody takes and one that the owner's voicemail takes, and prints what came of each; the callers.
pub(crate) fn play(demo: &Demo<'_>) -> CliResult<Vec<PhoneNumber>> {
    let Demo { store, numbers, stand_in, .. } = demo;
    let tenant = business(store)?;
    let number = number(store, numbers, &tenant)?;
    let twilio = Twilio::of(demo);

    let caller = somebody_new(store, &tenant)?;
    let first = caller.clone();
    eprintln!("\n{caller} calls {BUSINESS}; Joe is under a sink and can't answer …");
    let call = twilio.call(&caller, &number, &MISSED)?;
    let conversation = conversation_of(store, &tenant, &call)?;
    wait_for_greeting(store, &tenant, conversation)?;
    eprintln!("{caller} answers the text …");
    twilio.text(
        &caller,
        &number,
        &[("Body", "Hi! Our kitchen sink is leaking badly. Could you come today?"), ("NumMedia", "0")],
    )?;
    eprintln!();
    writeln!(std::io::stdout(), "{}", Transcript::read(store, &tenant, conversation)?.text()?)?;

    let caller = somebody_new(store, &tenant)?;
    eprintln!("{caller} calls {BUSINESS}; the call is forwarded, and Joe's voicemail takes it …");
    // The voicemail presses no key: the leg was answered, and never connected with the caller.
    let voicemail =
        [("CallStatus", "completed"), ("CallDuration", "14"), ("DialCallStatus", "completed"), ("DialBridged", "false")];
    let call = twilio.call(&caller, &number, &voicemail)?;
    let conversation = conversation_of(store, &tenant, &call)?;
    wait_for_greeting(store, &tenant, conversation)?;
    eprintln!("{caller} sends a picture …");
    let picture = stand_in.keep_picture("image/png", &dripping_tap()?);
    twilio.text(
        &caller,
        &number,
        &[("Body", ""), ("NumMedia", "1"), ("MediaUrl0", &picture), ("MediaContentType0", "image/png")],
    )?;
    wait_for_picture(store, &tenant, conversation)?;
    eprintln!();
    writeln!(std::io::stdout(), "{}", Transcript::read(store, &tenant, conversation)?.text()?)?;
    Ok(vec![first, caller])
}

/// A caller of the range kept for fiction. Somebody new each time, since the same caller would not be greeted twice within a
/// day; after a hundred demos in one database, somebody known.
pub(crate) fn somebody_new(store: &Store, tenant: &Tenant) -> CliResult<PhoneNumber> {
    let start = uuid::Uuid::new_v4().as_u128() % 100;
    let mut caller: PhoneNumber = format!("+141555501{start:02}").parse()?;
    for step in 0..100 {
        caller = format!("+141555501{:02}", (start + step) % 100).parse()?;
        let filter = CallFilter { caller: Some(CallerIdentity::Phone(caller.clone())), ..CallFilter::default() };
        if store.as_operator(tenant, |tx| tx.calls().count(&filter))? == 0 {
            break;
        }
    }
    Ok(caller)
}

/// The business, taken in at the first demo and found again at the next.
pub(crate) fn business(store: &Store) -> CliResult<Tenant> {
    let known = store.system(Reason::Operations, |tx| match tx.find_tenant_by_name(BUSINESS)? {
        Some(row) => tx.act_for(row.id).map(Some),
        None => Ok(None),
    })?;
    let tenant = match known {
        Some(tenant) => tenant,
        None => {
            let new = NewTenant {
                business_name: BUSINESS.to_owned(),
                business_type: Some("plumbing".to_owned()),
                ..NewTenant::default()
            };
            onboard(store, &new)?.0
        }
    };
    Ok(tenant)
}

/// The number of the business: the one it holds, or the first for sale in Chicago, bought as any number is.
pub(crate) fn number(store: &Store, numbers: &Provisioner, tenant: &Tenant) -> CliResult<PhoneNumber> {
    let active = NumberFilter { status: Some(NumberStatus::Active), ..NumberFilter::default() };
    let held = store.as_operator(tenant, |tx| tx.phone_numbers().list(&active, PageRequest::first()))?;
    if let Some(row) = held.items.into_iter().next() {
        return Ok(row.phone_number);
    }
    let operator = Acting::Operator(*tenant);
    let search = NumberSearch { area_code: Some("312".to_owned()), ..NumberSearch::new(Country::US, NumberType::Local) };
    let found = numbers.search(&operator, &search)?;
    let first = found.into_iter().next().ok_or_else(|| CliError::Usage("the demo found no number for sale".to_owned()))?;
    eprintln!("\n{BUSINESS} buys {} …", first.phone_number);
    let (country, number_type) = (first.country, first.number_type);
    let order = NumberOrder { phone_number: first.phone_number, country, number_type, without_sms: false };
    Ok(numbers.buy(&operator, &order, Duration::from_secs(20), &mut |_| {})?.phone_number)
}

/// Insists that there is nobody but the demo's business: others' numbers are not the stand-in's to sell or to take back.
pub(crate) fn must_be_alone(store: &Store) -> CliResult<()> {
    let page = PageRequest::new(2, None)?;
    let businesses = store.system(Reason::Operations, |tx| tx.list_tenants(&TenantFilter::default(), page))?;
    if businesses.items.iter().any(|row| row.business_name != BUSINESS) {
        return Err(CliError::Usage(
            "--demo wants a database of its own: this one holds other businesses, whose numbers a demo must not touch".to_owned(),
        ));
    }
    Ok(())
}

/// Reminds the stand-in of what an earlier demo has bought, which this one's has never heard of.
pub(crate) fn remind(store: &Store, stand_in: &FakeTwilio, numbers: &Provisioner) -> CliResult<()> {
    let tenant = business(store)?;
    let operator = Acting::Operator(tenant);
    let active = NumberFilter { status: Some(NumberStatus::Active), ..NumberFilter::default() };
    for row in store.as_operator(&tenant, |tx| tx.phone_numbers().list(&active, PageRequest::first()))?.items {
        if let Some(sid) = row.twilio_phone_sid {
            stand_in.own(&row.phone_number, &friendly_name(row.id), Some(sid));
            numbers.configure(&operator, row.id)?;
        }
    }
    Ok(())
}

fn conversation_of(store: &Store, tenant: &Tenant, call_sid: &str) -> CliResult<ConversationId> {
    let call = store.as_operator(tenant, |tx| tx.calls().find_by_sid(call_sid))?;
    let conversation = call.and_then(|call| call.conversation_id);
    conversation.ok_or_else(|| CliError::Usage("the demo's call did not arrive".to_owned()))
}

fn wait_for_greeting(store: &Store, tenant: &Tenant, conversation: ConversationId) -> CliResult<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let filter = MessageFilter {
        conversation: Some(conversation),
        direction: Some(MessageDirection::Outbound),
        ..MessageFilter::default()
    };
    while Instant::now() < deadline {
        let texts = store.as_operator(tenant, |tx| tx.messages().list(&filter, PageRequest::first()))?.items;
        match texts.first() {
            // An open conversation of an earlier demo with the same made-up number: it had its greeting then.
            None => return Ok(()),
            Some(text) if text.message_status != MessageStatus::Queued => return Ok(()),
            Some(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Err(CliError::Usage("the demo's greeting was not sent in time".to_owned()))
}

/// Waits until the newest picture of the conversation is kept here.
fn wait_for_picture(store: &Store, tenant: &Tenant, conversation: ConversationId) -> CliResult<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let filter = MessageFilter {
        conversation: Some(conversation),
        direction: Some(MessageDirection::Inbound),
        ..MessageFilter::default()
    };
    while Instant::now() < deadline {
        let kept = store.as_operator(tenant, |tx| {
            let newest = tx.messages().list(&filter, PageRequest::first())?.items.into_iter().next();
            let media = newest.map(|text| tx.message_media().list(&[text.id])).transpose()?.unwrap_or_default();
            Ok(media.iter().any(|picture| picture.status == MediaStatus::Kept))
        })?;
        if kept {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(CliError::Usage("the demo's picture was not kept in time".to_owned()))
}

/// Twilio's side of the webhooks.
pub(crate) struct Twilio {
    agent: ureq::Agent,
    local: String,
    public: String,
    signer: Signer,
}

impl Twilio {
    pub(crate) fn of(demo: &Demo<'_>) -> Self {
        let local = format!("http://{}", demo.address);
        Self {
            agent: ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).build().into(),
            public: demo.public_url.clone().unwrap_or_else(|| local.clone()),
            local,
            signer: Signer::new(demo.token.clone()),
        }
    }

    /// Makes one call to our number, as its last callback tells it; its SID.
    pub(crate) fn call(&self, caller: &PhoneNumber, number: &PhoneNumber, came: &[(&str, &str)]) -> CliResult<String> {
        let sid = format!("CA{}", uuid::Uuid::new_v4().simple());
        let mut params = vec![("CallSid", sid.as_str()), ("From", caller.as_str()), ("To", number.as_str())];
        params.extend([("Direction", "inbound"), ("FromCountry", "US")].iter().chain(came));
        self.post("/webhooks/twilio/voice/status", &params)?;
        Ok(sid)
    }

    /// Sends one text to our number.
    pub(crate) fn text(&self, customer: &PhoneNumber, number: &PhoneNumber, what: &[(&str, &str)]) -> CliResult<()> {
        let sid = format!("SM{}", uuid::Uuid::new_v4().simple());
        let mut params = vec![("MessageSid", sid.as_str()), ("From", customer.as_str()), ("To", number.as_str())];
        params.extend(what);
        self.post("/webhooks/twilio/sms", &params)
    }

    fn post(&self, path: &str, params: &[(&str, &str)]) -> CliResult<()> {
        let owned: Vec<(String, String)> = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let signature = self.signer.sign(&format!("{}{path}", self.public.trim_end_matches('/')), &owned);
        self.agent
            .post(&format!("{}{path}", self.local))
            .header("X-Twilio-Signature", signature)
            .send_form(owned)
            .map_err(|error| CliError::Usage(format!("the demo's webhook failed: {error}")))?;
        Ok(())
    }
}
