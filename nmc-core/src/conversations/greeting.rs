//! The greeting after a missed call: whether it is due, and what it says.

use super::message::{LIVING_SQL, OUTBOUND_SQL};
use crate::schema::{business_settings, consents, messages, tenants};
use crate::store::{Prepared, Scope};
use crate::{ConsentAction, MessageKind, PhoneNumber, Result};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, max, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// The source's default template (line 885), for a tenant whose settings row is missing: the caller is texted all the same.
pub const DEFAULT_GREETING: &str = "Hello! Thanks for calling {{business_name}}. How can we help you today?";

const DEFAULT_COOLDOWN_HOURS: i32 = 24;
const STOP_HINT: &str = " Reply STOP to opt out.";
/// The longest text the provider takes, in characters.
const LONGEST: usize = 1_600;

/// All that decides about a greeting, read in one statement under the person's lock.
pub(crate) struct GreetingContext {
    business_name: String,
    sends: bool,
    template: String,
    cooldown: TimeDelta,
    consent: Option<ConsentAction>,
    last_greeting: Option<DateTime<Utc>>,
    texted_before: bool,
}

impl GreetingContext {
    pub(crate) fn read(scope: &mut Scope<'_>, person: &PhoneNumber) -> Result<Self> {
        type Row = (String, bool, Option<(String, i32)>, Option<ConsentAction>, Option<DateTime<Utc>>, bool);
        let tenant = scope.tenant;
        let outbound = || {
            messages::table
                .filter(messages::tenant_id.eq(tenant))
                .filter(messages::to_number.eq(person))
                .filter(sql::<Bool>(OUTBOUND_SQL))
                .filter(sql::<Bool>(LIVING_SQL))
        };
        let query = tenants::table
            .left_join(
                business_settings::table
                    .on(business_settings::tenant_id.eq(tenants::id).and(business_settings::tenant_id.eq(scope.tenant))),
            )
            .filter(tenants::id.eq(scope.tenant))
            .select((
                tenants::business_name,
                tenants::is_active,
                (business_settings::greeting_template, business_settings::greeting_cooldown_hours).nullable(),
                consents::table
                    .filter(consents::tenant_id.eq(scope.tenant))
                    .filter(consents::customer_phone.eq(person))
                    .order(consents::sequence.desc())
                    .limit(1)
                    .select(consents::action)
                    .single_value(),
                outbound()
                    .filter(messages::message_kind.eq(MessageKind::Greeting))
                    .select(max(messages::created_at))
                    .single_value(),
                exists(outbound()),
            ));
        let (business_name, sends, settings, consent, last_greeting, texted_before): Row =
            Prepared(query).get_result(scope.conn)?;
        let (template, hours) = settings.unwrap_or_else(|| (DEFAULT_GREETING.to_owned(), DEFAULT_COOLDOWN_HOURS));
        Ok(Self {
            business_name,
            sends,
            template,
            cooldown: TimeDelta::hours(i64::from(hours)),
            consent,
            last_greeting,
            texted_before,
        })
    }

    /// The greeting's words, if one is due: the tenant may send, the person has not opted out, and the last greeting is
    /// a window ago. The first text to a person also says how to stop.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> Option<String> {
        let rested = self.last_greeting.is_none_or(|last| now.signed_duration_since(last) >= self.cooldown);
        let due = self.sends && rested && self.consent != Some(ConsentAction::OptOut);
        due.then(|| render_greeting(&self.template, &self.business_name, !self.texted_before))
    }

    /// The business's name.
    pub(crate) fn business_name(&self) -> &str {
        &self.business_name
    }

    /// Whether this person may be texted at all.
    pub(crate) fn may_text(&self) -> bool {
        self.sends && self.consent != Some(ConsentAction::OptOut)
    }
}

/// Fills the template. A first text ends with how to stop, unless the template says it in its own words; what is too
/// long for one text is cut before that hint.
#[must_use]
pub fn render_greeting(template: &str, business_name: &str, first_text: bool) -> String {
    let mut text = template.replace("{{business_name}}", business_name);
    let hint = if first_text && !text.to_uppercase().contains("STOP") { STOP_HINT } else { "" };
    let room = LONGEST - hint.len();
    if let Some((end, _)) = text.char_indices().nth(room) {
        text.truncate(end);
    }
    text + hint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_filled_and_the_first_text_says_how_to_stop() {
        assert_eq!(
            render_greeting(DEFAULT_GREETING, "Joe's", true),
            "Hello! Thanks for calling Joe's. How can we help you today? Reply STOP to opt out."
        );
        assert_eq!(render_greeting("{{business_name}} again", "Joe's", false), "Joe's again");
        assert_eq!(render_greeting("{{business_name}}. Text stop to end.", "Joe's", true), "Joe's. Text stop to end.");
    }

    #[test]
    fn it_never_exceeds_one_text() {
        let long = render_greeting(&"{{business_name}}".repeat(29), &"ü".repeat(255), true);
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with(STOP_HINT));
    }
}
