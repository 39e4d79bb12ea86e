//! The words that mean more than text: opting out, opting in, asking for help.

/// What a customer's word asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No more texts.
    Stop,
    /// Texts again.
    Start,
    /// Who is this?
    Help,
}

impl Keyword {
    /// Reads a whole text as a keyword: case, blanks and punctuation don't count ("Stop.", "opt-out"), other words do
    /// ("please stop by at 9" is not one).
    ///
    /// ```
    /// use nmc_core::conversations::Keyword;
    /// assert_eq!(Keyword::of(" Stop! "), Some(Keyword::Stop));
    /// assert_eq!(Keyword::of("please stop by at 9"), None);
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let word: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        match word.as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT" => Some(Self::Stop),
            "START" | "UNSTOP" => Some(Self::Start),
            "HELP" => Some(Self::Help),
            _ => None,
        }
    }

    /// Reads Twilio's own verdict (`OptOutType`), given where its advanced opt-out is on.
    pub(crate) fn of_provider(opt_out_type: &str) -> Option<Self> {
        match opt_out_type {
            "STOP" => Some(Self::Stop),
            "START" => Some(Self::Start),
            "HELP" => Some(Self::Help),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Keyword;

    #[test]
    fn every_listed_word_counts_in_any_dress() {
        for word in ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"] {
            for dress in [word.to_owned(), word.to_lowercase(), format!(" {word}.\n"), format!("\"{word}\"")] {
                assert_eq!(Keyword::of(&dress), Some(Keyword::Stop), "{dress:?}");
            }
        }
        assert_eq!(Keyword::of("opt-out"), Some(Keyword::Stop));
        assert_eq!(Keyword::of("start"), Some(Keyword::Start));
        assert_eq!(Keyword::of("Unstop"), Some(Keyword::Start));
        assert_eq!(Keyword::of("help?"), Some(Keyword::Help));
    }

    #[test]
    fn ordinary_words_do_not() {
        for text in ["", "yes", "stop by tomorrow", "please cancel", "the end", &"STOP ".repeat(20)] {
            assert_eq!(Keyword::of(text), None, "{text:?}");
        }
    }
}
