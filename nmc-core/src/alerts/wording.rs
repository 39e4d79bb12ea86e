//! The words in which people and machines are told of an alert.
//!
//! Mails and texts say what the rule says, its figures, and when by the clock of the business. None names a customer: a rule watches
//! figures. What people typed is escaped in HTML, made one line in subjects, kept from being links, and spelt in the alphabet of plain texts.

mod digest;

pub use digest::DigestWording;

use super::trade_metric::words_of;
use super::{Alert, AlertLinkAction, AlertLinks, RESERVED_METRICS};
use crate::delivery::{escaped, named, one_line, without_links};
use crate::tenants::SmsEncoding;
use crate::{AlertOperator, AlertSeverity, NotificationId, Secret, Timezone};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use unicode_normalization::UnicodeNormalization as _;

/// The units of one text in the alphabet of plain texts.
const SEGMENT: usize = 160;
/// Those of two, each of which names its place.
const TWO_SEGMENTS: usize = 2 * 153;

/// What a notification tells of an alert; its row names it (`template_used`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertTemplate {
    /// The alert was raised.
    Triggered,
    /// Nobody has reacted, and the next level hears of it.
    Escalated,
    /// The alert is over.
    Resolved,
    /// Nothing has happened: somebody tries out whether notifications arrive.
    Test,
    /// A webhook was put out of use, which the alert was the last not to reach.
    WebhookRetired,
}

impl AlertTemplate {
    /// All templates.
    pub const ALL: [Self; 5] = [Self::Triggered, Self::Escalated, Self::Resolved, Self::Test, Self::WebhookRetired];

    /// The name of the template, as rows have it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::Test => "test",
            Self::WebhookRetired => "webhook_retired",
        }
    }

    /// Whether it tells of what is over.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Resolved)
    }

    /// Whether it is no news of its alert, and told whatever becomes of that.
    pub(crate) const fn is_aside(self) -> bool {
        matches!(self, Self::Test | Self::WebhookRetired)
    }

    /// The template that a row names. One without, or with a name of somebody else's, tells that the alert was raised.
    pub(crate) fn of(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|template| Some(template.label()) == name).unwrap_or(Self::Triggered)
    }
}

/// An alert, and for whom it is put into words.
#[derive(Debug, Clone, Copy)]
pub struct Wording<'a> {
    /// What is told.
    pub template: AlertTemplate,
    /// The alert.
    pub alert: &'a Alert,
    /// The name of the business.
    pub business: &'a str,
    /// The zone of the business, by whose clock instants are told.
    pub zone: Timezone,
    /// The words instead of the alert's message.
    pub message: Option<&'a str>,
    /// The links by which the recipient of a mail acts; `None` to whom none are for.
    pub links: Option<&'a AlertLinks>,
}

impl Wording<'_> {
    /// The subject of a mail: the same rule, the same subject.
    #[must_use]
    pub fn subject(&self) -> String {
        let Alert { severity, escalation_level, rule_name, .. } = self.alert;
        let name = named(rule_name);
        match self.template {
            AlertTemplate::Triggered => format!("Alert ({severity}): {name}"),
            AlertTemplate::Escalated => format!("Alert ({severity}), level {escalation_level}: {name}"),
            AlertTemplate::Resolved => format!("Resolved: {name}"),
            AlertTemplate::Test => format!("Test of an alert: {name}"),
            AlertTemplate::WebhookRetired => format!("A webhook is out of use: {}", named(self.business)),
        }
    }

    /// The first sentence.
    fn headline(&self) -> String {
        match self.template {
            AlertTemplate::Triggered | AlertTemplate::WebhookRetired => self.message(),
            AlertTemplate::Escalated => format!("Nobody has reacted to this alert yet. {}", self.message()),
            AlertTemplate::Resolved => format!("This alert is over. It said: {}", self.message()),
            AlertTemplate::Test => "This is a test: nothing has happened, and you have nothing to do.".to_owned(),
        }
    }

    fn message(&self) -> String {
        without_links(self.message.unwrap_or(&self.alert.message))
    }

    /// The figures, each with what it is.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let alert = self.alert;
        if self.template == AlertTemplate::WebhookRetired {
            return vec![
                ("Business", named(self.business)),
                ("The last alert that did not arrive there", named(&alert.rule_name)),
            ];
        }
        let mut facts = vec![("Business", named(self.business)), ("Rule", named(&alert.rule_name))];
        // A test has measured nothing.
        if self.template != AlertTemplate::Test {
            let metric = words_of(&alert.metric).map_or_else(|| named(&alert.metric), str::to_owned);
            let value = if self.template.is_over() { "Value when it began" } else { "Value" };
            facts.push((value, format!("{metric}: {}", alert.metric_value.normalize())));
        }
        facts.extend([("Limit", limit(alert)), ("Severity", alert.severity.to_string()), ("Since", self.told(alert.created_at))]);
        match self.template {
            AlertTemplate::Escalated => facts.extend(alert.escalated_at.map(|at| ("Passed on", self.told(at)))),
            AlertTemplate::Resolved => facts.extend(alert.resolved_at.map(|at| ("Over since", self.told(at)))),
            AlertTemplate::Triggered | AlertTemplate::Test | AlertTemplate::WebhookRetired => {}
        }
        facts.push(("Time zone", self.zone.as_str().to_owned()));
        facts
    }

    /// An instant by the clock of the business, whose zone a mail names once.
    fn told(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone.tz()).format("%A %-d %B %Y, %H:%M").to_string()
    }

    /// The mail as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let facts = self.facts().into_iter().map(|(name, value)| format!("{name}: {value}\n"));
        let links = self.links.map(|links| {
            let links_of = links.urls.iter().map(|(action, url)| format!("{}: {}\n", does(*action), url.expose()));
            format!("{}{}\n\n", links_of.collect::<String>(), self.once(links))
        });
        let links = links.unwrap_or_default();
        format!("{}\n\n{}\n{links}{}\n", self.headline(), facts.collect::<String>(), why(self.business))
    }

    /// What is to be known of the links.
    fn once(&self, links: &AlertLinks) -> String {
        format!(
            "One of them works, once, until {}; it asks before it does anything, and acts in your name.",
            self.told(links.expires_at)
        )
    }

    /// The mail as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let row =
            |(name, value): (&str, String)| format!("<tr><th align=\"left\">{name}</th><td>{}</td></tr>\n", escaped(&value));
        let facts: String = self.facts().into_iter().map(row).collect();
        let links = self.links.map(|links| {
            let link = |(action, url): &(AlertLinkAction, Secret)| {
                format!("<a href=\"{}\">{}</a>", escaped(url.expose()), does(*action))
            };
            let links_of: Vec<String> = links.urls.iter().map(link).collect();
            format!("<p>{}</p>\n<p><small>{}</small></p>\n", links_of.join(" &middot;\n"), escaped(&self.once(links)))
        });
        let links = links.unwrap_or_default();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n\
             <table cellpadding=\"4\">\n{facts}</table>\n{links}<p><small>{}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.headline()).replace('\n', "<br>\n"),
            escaped(&why(self.business)),
        )
    }

    /// The text for a phone: one segment of the alphabet that every phone has, whatever the names are.
    #[must_use]
    pub fn sms(&self) -> String {
        self.sms_within(SEGMENT, "")
    }

    /// The same with a link by which the recipient acts, two segments at the most. A link that they have no room for, or that is not of
    /// that alphabet, is left out.
    #[must_use]
    pub fn sms_with(&self, link: &Secret) -> String {
        let link = format!("See to it: {} ", link.expose());
        if link.len() > TWO_SEGMENTS - SEGMENT || !link.chars().all(is_spelt) {
            return self.sms();
        }
        self.sms_within(TWO_SEGMENTS, &link)
    }

    /// The text in so many characters, with this before its last sentence.
    fn sms_within(&self, most: usize, link: &str) -> String {
        let alert = self.alert;
        let (business, rule, metric) = (plain(self.business), plain(&alert.rule_name), plain(&metric_words(&alert.metric)));
        let value = alert.metric_value.normalize();
        let at = |at: Option<DateTime<Utc>>| at.unwrap_or(alert.created_at).with_timezone(&self.zone.tz()).format("%H:%M");
        let (kind, at) = match self.template {
            AlertTemplate::Triggered => ("ALERT", at(None)),
            AlertTemplate::Escalated => ("ALERT passed on", at(alert.escalated_at)),
            AlertTemplate::Resolved => ("Over", at(alert.resolved_at)),
            AlertTemplate::Test => ("Test of an alert", at(None)),
            AlertTemplate::WebhookRetired => ("No webhook for", at(None)),
        };
        let limit = limit(alert);
        // Names are cut, figures never.
        let fitting = [(60, 80, 60), (30, 60, 40), (24, 40, 24), (16, 24, 16), (10, 12, 8)].into_iter().map(|(b, r, m)| {
            let (business, rule, metric) = (cut(&business, b), cut(&rule, r), cut(&metric, m));
            match self.template {
                AlertTemplate::Test => format!("{business}: This is a test of the alert {rule}, {at}. STOP ends these texts."),
                _ => format!("{business}: {kind} {rule}. {metric} {value}, limit {limit}, {at}. {link}STOP ends these texts."),
            }
        });
        let mut last = String::new();
        for text in fitting {
            last = text;
            if last.chars().count() <= most {
                return last;
            }
        }
        last.chars().take(most).collect()
    }

    /// The document that a machine gets: ids and figures, and nobody's words but the rule's name.
    #[must_use]
    pub fn document(&self, notification: NotificationId, at: DateTime<Utc>) -> String {
        let alert = self.alert;
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "type": format!("alert.{}", self.template.label()),
            "timestamp": instant(at),
            "data": {
                "notification_id": notification,
                "alert_id": alert.id,
                "rule_id": alert.rule_id,
                "rule_name": alert.rule_name,
                "metric": alert.metric,
                "value": alert.metric_value.normalize(),
                "operator": alert.operator,
                "threshold": alert.threshold.normalize(),
                "severity": alert.severity,
                "status": alert.status,
                "level": alert.escalation_level,
                "triggered_at": instant(alert.created_at),
                "resolved_at": alert.resolved_at.map(instant),
            },
        })
        .to_string()
    }
}

/// How bad an alert is: the worse, the more.
pub(super) fn rank(severity: AlertSeverity) -> usize {
    AlertSeverity::ALL.iter().take_while(|other| **other != severity).count()
}

/// The words of a link.
const fn does(action: AlertLinkAction) -> &'static str {
    match action {
        AlertLinkAction::Acknowledge => "Acknowledge",
        AlertLinkAction::Snooze => "Snooze for an hour",
        AlertLinkAction::Wake => "Wake",
        AlertLinkAction::Resolve => "Resolve",
    }
}

fn why(business: &str) -> String {
    format!("You get this as one who looks after {}, or whom it has named a contact for its alerts.", named(business))
}

fn limit(alert: &Alert) -> String {
    let relation = match alert.operator {
        AlertOperator::GreaterThan => "above",
        AlertOperator::LessThan => "below",
        AlertOperator::Equals => "equal to",
        AlertOperator::NotEquals => "other than",
    };
    format!("{relation} {}", alert.threshold.normalize())
}

/// The beginning of a text, so many characters at the most.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect::<String>().trim_end().to_owned()
}

/// The name of a metric as people read it: `missed_calls` as "missed calls", and one of ours without what all of them begin with.
fn metric_words(metric: &str) -> String {
    one_line(&metric.strip_prefix(RESERVED_METRICS).unwrap_or(metric).replace(['_', '.', '-'], " "))
}

/// The text in characters that count once in GSM 03.38: accents that it lacks are left out, and what it can't spell is one `?`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in one_line(text).chars() {
        if is_spelt(c) {
            plain.push(c);
            continue;
        }
        let before = plain.len();
        plain.extend(std::iter::once(c).nfkd().flat_map(spelling));
        if plain.len() == before && !plain.ends_with('?') {
            plain.push('?');
        }
    }
    plain
}

/// What stands for a character that does not count once.
fn spelling(c: char) -> impl Iterator<Item = char> {
    let spelt = match c {
        '[' | '{' => "(",
        ']' | '}' => ")",
        '\\' | '|' => "/",
        '~' | '\u{2010}'..='\u{2015}' => "-",
        '^' => " ",
        '€' => "EUR",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{201c}' | '\u{201d}' => "\"",
        _ => "",
    };
    spelt.chars().chain(Some(c).filter(|c| is_spelt(*c)))
}

/// Whether a character counts once in GSM 03.38; those of its extension count twice.
fn is_spelt(c: char) -> bool {
    !"^{}\\[~]|€\u{c}".contains(c) && SmsEncoding::of(c.encode_utf8(&mut [0; 4])) == SmsEncoding::Gsm7
}

#[cfg(test)]
mod tests;
