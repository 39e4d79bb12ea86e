//! Why the caller of a missed call was not texted.

/// A reason not to text a caller: a stable word in the data of a [`crate::ConversationEventType::NotTexted`], and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotTexted {
    /// The business is suspended or has left.
    BusinessInactive,
    /// The business waits for an operator's approval.
    AwaitingApproval,
    /// The call ended too long ago.
    OldNews,
    /// The person has opted out.
    OptedOut,
    /// A text of theirs may have been an opt-out, and staff have not decided yet.
    ReviewPending,
    /// The carriers found that the caller ID was not the caller's.
    PossibleSpam,
    /// The number can't exist.
    ImpossibleNumber,
    /// The number is billed dearly.
    PremiumNumber,
    /// The number is billed to both sides.
    SharedCostNumber,
    /// The number is a toll-free one.
    TollFreeNumber,
    /// The number is a satellite phone's, or of an international network.
    SatelliteNumber,
    /// The number's country is not one that the business texts.
    CountryNotAllowed,
    /// The number that was called is not in use any more.
    NumberInactive,
    /// The number that was called can't send texts.
    NumberWithoutSms,
    /// An earlier text failed in a way that the next one would, too.
    Untextable,
    /// The person was greeted a short while ago.
    Cooldown,
    /// The caller and the business are texting already.
    UnderWay,
    /// The person has had as many automatic texts as one person gets in a day.
    DailyPersonLimit,
}

impl NotTexted {
    /// All reasons why a missed call gets no greeting.
    pub const ALL: &'static [Self] = &[
        Self::BusinessInactive,
        Self::AwaitingApproval,
        Self::OldNews,
        Self::OptedOut,
        Self::ReviewPending,
        Self::PossibleSpam,
        Self::ImpossibleNumber,
        Self::PremiumNumber,
        Self::SharedCostNumber,
        Self::TollFreeNumber,
        Self::SatelliteNumber,
        Self::CountryNotAllowed,
        Self::NumberInactive,
        Self::NumberWithoutSms,
        Self::Untextable,
        Self::Cooldown,
        Self::UnderWay,
        Self::DailyPersonLimit,
    ];

    /// The reason as the event has it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::BusinessInactive => "business_inactive",
            Self::AwaitingApproval => "awaiting_approval",
            Self::OldNews => "old_news",
            Self::OptedOut => "opted_out",
            Self::ReviewPending => "review_pending",
            Self::PossibleSpam => "possible_spam",
            Self::ImpossibleNumber => "impossible_number",
            Self::PremiumNumber => "premium_number",
            Self::SharedCostNumber => "shared_cost_number",
            Self::TollFreeNumber => "toll_free_number",
            Self::SatelliteNumber => "satellite_number",
            Self::CountryNotAllowed => "country_not_allowed",
            Self::NumberInactive => "number_inactive",
            Self::NumberWithoutSms => "number_without_sms",
            Self::Untextable => "untextable",
            Self::Cooldown => "cooldown",
            Self::UnderWay => "under_way",
            Self::DailyPersonLimit => "daily_person_limit",
        }
    }

    /// The reason for people, in words that follow "not texted:".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::BusinessInactive => "the business is not active",
            Self::AwaitingApproval => "the business waits for the approval of whoever runs NeverMissCall",
            Self::OldNews => "the call ended more than an hour before we learned of it",
            Self::OptedOut => "the person has opted out of texts",
            Self::ReviewPending => "a text of theirs may be an opt-out; decide on that first",
            Self::PossibleSpam => "the carriers say that the caller ID is false: possible spam",
            Self::ImpossibleNumber => "no phone can have this number",
            Self::PremiumNumber => "it is a premium number, which is billed dearly",
            Self::SharedCostNumber => "it is a shared-cost number",
            Self::TollFreeNumber => "it is a toll-free number",
            Self::SatelliteNumber => "it is a number of satellite phones or international networks",
            Self::CountryNotAllowed => "the business does not text this country; its settings say which it does",
            Self::NumberInactive => "the number that was called is not in use any more",
            Self::NumberWithoutSms => "the number that was called can't send texts",
            Self::Untextable => "an earlier text to this number failed for good; call instead",
            Self::Cooldown => "they were texted after an earlier call a short while ago",
            Self::UnderWay => "they have been texting with the business within the last hour",
            Self::DailyPersonLimit => "they have had as many automatic texts today as one person gets",
        }
    }
}

impl std::str::FromStr for NotTexted {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|reason| reason.label() == text);
        known.copied().ok_or_else(|| crate::Error::invalid("reason", "must be one of the known reasons"))
    }
}

impl serde::Serialize for NotTexted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::NotTexted;
    use std::collections::HashSet;

    #[test]
    fn each_reason_is_read_back_from_its_label() {
        for reason in NotTexted::ALL {
            assert_eq!(reason.label().parse::<NotTexted>().unwrap(), *reason);
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.label());
        }
        let told: HashSet<_> = NotTexted::ALL.iter().flat_map(|reason| [reason.label(), reason.words()]).collect();
        assert_eq!(told.len(), 2 * NotTexted::ALL.len());
        assert!("anything".parse::<NotTexted>().is_err());
    }
}
