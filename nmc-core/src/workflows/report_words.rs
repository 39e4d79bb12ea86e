//! The words of mails that bring reports, as plain text and as HTML.

use crate::analytics::ReportReader;
use crate::delivery::{escaped, named, one_line};
use crate::reports::{ReportContent, display};
use rust_decimal::Decimal;

/// What a mail says of the figures, in this order: the name of each, and what it is called here.
const HEADLINES: [(&str, &str); 6] = [
    ("nmc.calls_inbound", "Calls"),
    ("nmc.calls_answered", "Answered"),
    ("nmc.calls_unanswered", "Missed"),
    ("nmc.calls_texted_back", "Missed callers who were texted"),
    ("nmc.calls_replied", "Missed callers who wrote back"),
    ("nmc.conversations_opened", "Conversations begun"),
];

/// A report, and whom it is mailed to.
pub(super) struct ReportWords<'a> {
    pub(super) content: &'a ReportContent,
    pub(super) reader: &'a ReportReader,
    /// Where people look at reports.
    pub(super) page: Option<&'a str>,
    /// Whether the report is with the mail.
    pub(super) has_file: bool,
}

impl ReportWords<'_> {
    /// The subject.
    pub(super) fn subject(&self) -> String {
        format!("Report of {}: {}", self.business(), self.content.period.title)
    }

    fn business(&self) -> String {
        named(&self.content.business)
    }

    fn greeting(&self) -> String {
        match self.reader.first_name.as_deref().map(named).filter(|name| !name.is_empty()) {
            Some(name) => format!("Hello {name},"),
            None => "Hello,".to_owned(),
        }
    }

    fn beginning(&self) -> String {
        format!("this is how {} did at {}.", self.content.period.title, self.business())
    }

    /// Labels, values, and values of the period before.
    fn headlines(&self) -> Vec<(&'static str, String, String)> {
        let count = |value: Decimal| display(value, "calls");
        let mut lines: Vec<_> = HEADLINES
            .iter()
            .map(|(name, label)| (*label, count(self.content.total(name)), count(self.content.previous_total(name))))
            .collect();
        for (name, label) in [("answer_rate", "Answer rate"), ("first_response_minutes", "Wait for a first answer")] {
            if let Some(kpi) = self.content.kpi(name) {
                let show = |value: Option<Decimal>| value.map_or_else(|| "–".to_owned(), |value| display(value, &kpi.unit));
                lines.push((label, show(kpi.value), show(kpi.previous)));
            }
        }
        lines
    }

    fn advice(&self) -> impl Iterator<Item = String> {
        self.content.advice.iter().map(|advice| one_line(&advice.text))
    }

    /// Where the whole report is.
    fn whole(&self) -> String {
        if self.has_file { "The whole report is attached as a PDF." } else { "The whole report is kept for 90 days." }.to_owned()
    }

    fn end(&self) -> String {
        format!(
            "The figures are of {}, in the time zone {}. Owners and administrators of {} choose which reports are mailed, and to \
             whom; whoever wants no mails says so in their preferences.",
            self.content.period.title,
            self.content.zone,
            self.business()
        )
    }

    /// The mail as plain text.
    pub(super) fn text(&self) -> String {
        let headlines = self.headlines().into_iter().map(|(label, value, before)| format!("{label}: {value} (before: {before})"));
        let headlines: Vec<String> = headlines.collect();
        let advice: String = self.advice().map(|advice| format!("- {advice}\n")).collect();
        let advice = if advice.is_empty() { advice } else { format!("What to do:\n{advice}\n") };
        let page = self.page.map(|page| format!("\n{page}")).unwrap_or_default();
        let (greeting, beginning, whole, end) = (self.greeting(), self.beginning(), self.whole(), self.end());
        format!("{greeting}\n\n{beginning}\n\n{}\n\n{advice}{whole}{page}\n\n{end}\n", headlines.join("\n"))
    }

    /// The mail as HTML.
    pub(super) fn html(&self) -> String {
        let row = |(label, value, before): (&str, String, String)| {
            let (label, value, before) = (escaped(label), escaped(&value), escaped(&before));
            format!(
                "<tr><th align=\"left\">{label}</th><td align=\"right\"><b>{value}</b></td><td align=\"right\">{before}</td></tr>\n"
            )
        };
        let rows: String = self.headlines().into_iter().map(row).collect();
        let advice: String = self.advice().map(|advice| format!("<li>{}</li>\n", escaped(&advice))).collect();
        let advice = if advice.is_empty() { advice } else { format!("<p>What to do:</p>\n<ul>\n{advice}</ul>\n") };
        let link = self.page.map(|page| format!(" <a href=\"{}\">Look at reports</a>", escaped(page))).unwrap_or_default();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n<p>{}</p>\n\
             <table cellpadding=\"4\">\n<tr><th></th><th align=\"right\">Now</th><th align=\"right\">Before</th></tr>\n{rows}</table>\n\
             {advice}<p>{}{link}</p>\n<p><small>{}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.greeting()),
            escaped(&self.beginning()),
            escaped(&self.whole()),
            escaped(&self.end())
        )
    }
}
