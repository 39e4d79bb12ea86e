//! Where links in mails and texts lead, under the address that people reach the server at.

use nmc_core::delivery::MailLinks;

/// Where the links in mails about alerts lead; a token follows.
pub(crate) const ALERT_LINKS: &str = "/v1/alert-links/";

/// The same of texts, which have less room.
pub(crate) const SHORT_ALERT_LINKS: &str = "/a/";

/// The beginnings of the links in mails and texts, of a server that people reach at `public_url`, like `https://nmc.example.com`. Tokens of
/// accounts stand behind the `#` of the page: a browser sends that to no server, so that no log has them.
#[must_use]
pub fn mail_links(public_url: &str) -> MailLinks {
    let page = |page: &str| format!("{}/app#/{page}?token=", public_url.trim_end_matches('/'));
    let alert = format!("{}{ALERT_LINKS}", public_url.trim_end_matches('/'));
    let alert_in_text = format!("{}{SHORT_ALERT_LINKS}", public_url.trim_end_matches('/'));
    let alerts = format!("{}/app#/alerts", public_url.trim_end_matches('/'));
    MailLinks {
        invitation: page("invite"),
        password_reset: page("reset"),
        verification: page("verify"),
        alert,
        alert_in_text,
        alerts,
    }
}

/// The page where people look at reports, of a server that they reach at `public_url`.
#[must_use]
pub fn reports_page(public_url: &str) -> String {
    format!("{}/app#/figures", public_url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::{mail_links, reports_page};

    #[test]
    fn reports_are_on_the_page_of_figures() {
        assert_eq!(reports_page("https://nmc.example.com/"), "https://nmc.example.com/app#/figures");
    }

    #[test]
    fn tokens_of_accounts_follow_in_the_fragment() {
        let links = mail_links("https://nmc.example.com/");
        assert_eq!(links.password_reset, "https://nmc.example.com/app#/reset?token=");
        assert_eq!(links.invitation, "https://nmc.example.com/app#/invite?token=");
        assert_eq!(links.verification, "https://nmc.example.com/app#/verify?token=");
        assert_eq!(links.alert_in_text, "https://nmc.example.com/a/");
        assert_eq!(links.alerts, "https://nmc.example.com/app#/alerts");
        assert_eq!(links, mail_links("https://nmc.example.com"));
    }
}
