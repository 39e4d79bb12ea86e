//! The words in which one message tells of many alerts.

use super::{AlertTemplate, SEGMENT, Wording, cut, escaped, named, one_line, plain, rank, why};
use std::cmp::Reverse;
use std::collections::HashSet;

/// The most alerts that a digest names.
const MOST_NAMED: usize = 20;
/// The longest message of an alert in a digest, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Several alerts, told of in one message: the digest of a storm.
#[derive(Debug, Clone)]
pub struct DigestWording<'a> {
    /// What is told of each alert, once, the worst first, and what is over last.
    items: Vec<Wording<'a>>,
    /// The name of the business.
    business: &'a str,
    /// The page where people look at alerts, if it is known.
    page: Option<&'a str>,
}

impl<'a> DigestWording<'a> {
    /// A digest of these, all of one business, with a link to the page where people look at alerts. Links that act are left out: each mail
    /// of one alert has its own.
    #[must_use]
    pub fn of(business: &'a str, mut items: Vec<Wording<'a>>, page: Option<&'a str>) -> Self {
        items.sort_by_key(|item| {
            (item.template.is_over(), Reverse(rank(item.alert.severity)), item.template != AlertTemplate::Escalated)
        });
        // Whoever is told of an alert twice, as an administrator and as a contact, reads the worse of it.
        let mut told = HashSet::new();
        items.retain(|item| told.insert(item.alert.id));
        Self { items, business, page }
    }

    /// The subject of a mail.
    #[must_use]
    pub fn subject(&self) -> String {
        let worst = self.items.first().filter(|item| !item.template.is_over());
        let worst = worst.map_or_else(|| "all over".to_owned(), |item| format!("the worst {}", item.alert.severity));
        format!("News of {}, {worst}: {}", self.many(), named(self.business))
    }

    fn headline(&self) -> String {
        format!("Much has happened at once: this is news of {} of {}.", self.many(), named(self.business))
    }

    /// The number of alerts, in words.
    fn many(&self) -> String {
        match self.items.len() {
            1 => "1 alert".to_owned(),
            many => format!("{many} alerts"),
        }
    }

    /// What is told of the alerts that are named, the subject of each and its message.
    fn lines(&self) -> impl Iterator<Item = (String, String)> {
        self.items.iter().take(MOST_NAMED).map(|item| {
            let alert = item.alert;
            let (since, at) = match item.template {
                AlertTemplate::Escalated => ("Passed on", alert.escalated_at),
                AlertTemplate::Resolved => ("Over since", alert.resolved_at),
                AlertTemplate::Triggered | AlertTemplate::Test | AlertTemplate::WebhookRetired => ("Since", None),
            };
            let message = cut(&one_line(&item.message()), LONGEST_MESSAGE);
            (item.subject(), format!("{}. {since}: {}", message.trim_end_matches('.'), item.told(at.unwrap_or(alert.created_at))))
        })
    }

    /// The zone by whose clock instants are told.
    fn zone(&self) -> String {
        self.items.first().map(|item| format!("Times are those of {}.", item.zone.as_str())).unwrap_or_default()
    }

    /// The number of alerts that are not named, in words.
    fn more(&self, named: usize) -> Option<String> {
        let more = self.items.len().saturating_sub(named);
        (more > 0).then(|| format!("and {more} more"))
    }

    /// The mail as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: String = self.lines().map(|(subject, detail)| format!("- {subject}\n  {detail}\n")).collect();
        let more = self.more(MOST_NAMED).map(|more| format!("{more}.\n")).unwrap_or_default();
        let page = self.page.map(|page| format!("See to them: {page}\n\n")).unwrap_or_default();
        format!("{}\n\n{lines}{more}\n{page}{}\n{}\n", self.headline(), self.zone(), why(self.business))
    }

    /// The mail as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let item =
            |(subject, detail): (String, String)| format!("<li><b>{}</b><br>{}</li>\n", escaped(&subject), escaped(&detail));
        let lines: String = self.lines().map(item).collect();
        let more = self.more(MOST_NAMED).map(|more| format!("<p>{more}.</p>\n")).unwrap_or_default();
        let page = self.page.map(|page| format!("<p><a href=\"{}\">See to them</a></p>\n", escaped(page))).unwrap_or_default();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n\
             <ul>\n{lines}</ul>\n{more}{page}<p><small>{} {}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.headline()),
            escaped(&self.zone()),
            escaped(&why(self.business)),
        )
    }

    /// The text for a phone: one segment, which names as many alerts as there is room for.
    #[must_use]
    pub fn sms(&self) -> String {
        let (business, many) = (cut(&plain(self.business), 24), self.many());
        let mut names: Vec<String> = self.items.iter().take(MOST_NAMED).map(short).collect();
        loop {
            let more = self.more(names.len()).map(|more| format!(" {more}")).unwrap_or_default();
            let text = format!("{business}: news of {many}: {}{more}. STOP ends these texts.", names.join(", "));
            if text.chars().count() <= SEGMENT || names.len() < 2 {
                return cut(&text, SEGMENT);
            }
            names.pop();
        }
    }
}

/// What happened to which rule, as a text has it.
fn short(item: &Wording<'_>) -> String {
    let name = cut(&plain(&item.alert.rule_name), 30);
    match item.template {
        AlertTemplate::Triggered | AlertTemplate::Test | AlertTemplate::WebhookRetired => name,
        AlertTemplate::Escalated => format!("{name} (passed on)"),
        AlertTemplate::Resolved => format!("{name} (over)"),
    }
}
