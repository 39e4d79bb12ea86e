//! The country of a number, and whether a text to it could be expensive or useless.
//!
//! The tables hold what decides about a text and nothing more: calling codes, the area codes of North America that are not the United
//! States', and ranges that are billed dearly or can't be texted. A number that no subscriber has may pass for an ordinary one: only its
//! owner's carrier knows, and the provider says so.

use crate::{Country, PhoneNumber};

/// The kind of a number, as far as a text to it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberKind {
    /// A subscriber's, as far as its digits tell.
    Ordinary,
    /// Dear for who calls or texts it; personal numbers that follow their owner are billed like that, too.
    Premium,
    /// Billed to both sides.
    SharedCost,
    /// Free for the caller: a company's, which takes no texts from strangers.
    TollFree,
    /// A satellite phone's, or one of an international network.
    Satellite,
    /// Nobody can have it: no such country, or too short or too long for its country.
    Impossible,
}

impl PhoneNumber {
    /// The country that the number belongs to. `None` for numbers of no country, such as those of satellites and freephone.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        let (code, country) = self.calling_code()?;
        let national = self.national(code);
        let code = match code {
            "1" => north_american(national)?,
            // Kazakhstan's are among Russia's.
            "7" if national.starts_with(['6', '7']) => "KZ",
            "262" if national.starts_with("269") || national.starts_with("639") => "YT",
            "599" if national.starts_with('9') => "CW",
            "358" if national.starts_with("18") => "AX",
            "44" => crown_dependency(national).unwrap_or(country),
            _ => country,
        };
        code.parse().ok()
    }

    /// The country that a business with this number is in: the number's or, for one that belongs to several, such as a toll-free number
    /// of North America, the largest of those.
    pub(crate) fn home_country(&self) -> Option<Country> {
        self.country().or_else(|| self.calling_code().and_then(|(_, country)| country.parse().ok()))
    }

    /// The kind of the number, as far as its digits tell.
    #[must_use]
    pub fn kind(&self) -> NumberKind {
        let digits = self.digits();
        if let Some((_, kind)) = WORLDWIDE.iter().find(|(code, _)| digits.starts_with(code)) {
            return *kind;
        }
        let Some((code, _)) = self.calling_code() else { return NumberKind::Impossible };
        let national = self.national(code);
        if LENGTHS.iter().any(|(of, least, most)| *of == code && !(*least..=*most).contains(&national.len())) {
            return NumberKind::Impossible;
        }
        if code == "1" && north_american(national).is_none() {
            return north_american_service(national);
        }
        if code == "1" && national.get(3..6) == Some("976") {
            return NumberKind::Premium;
        }
        let starts = |prefixes: &str| prefixes.split_whitespace().any(|prefix| national.starts_with(prefix));
        if let Some((_, kind, _)) = RANGES.iter().find(|(of, _, prefixes)| *of == code && starts(prefixes)) {
            return *kind;
        }
        match national.get(..3).filter(|_| LIKE_MANY.contains(&code)) {
            Some("800") => NumberKind::TollFree,
            Some("900") => NumberKind::Premium,
            _ => NumberKind::Ordinary,
        }
    }

    fn digits(&self) -> &str {
        self.as_str().trim_start_matches('+')
    }

    fn national(&self, code: &str) -> &str {
        self.digits().strip_prefix(code).unwrap_or_default()
    }

    /// The calling code of the number, and the country that has the code (the largest, where several have).
    fn calling_code(&self) -> Option<(&'static str, &'static str)> {
        // No code begins with another one.
        let digits = self.digits();
        CALLING_CODES.iter().find(|(code, _)| digits.starts_with(code)).copied()
    }
}

impl Country {
    /// Whether numbers are known to be of this country: a misspelt code, such as UK, has none.
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        let own = |country: &str| country == self.as_str();
        CALLING_CODES.iter().any(|(_, country)| own(country))
            || NORTH_AMERICA.iter().any(|(country, _)| own(country))
            || ["KZ", "YT", "CW"].into_iter().any(own)
    }
}

/// The islands that share Great Britain's calling code, by their own ranges of it.
fn crown_dependency(national: &str) -> Option<&'static str> {
    let of = |(_, prefixes): &&(&str, &str)| prefixes.split(' ').any(|prefix| national.starts_with(prefix));
    [
        ("GG", "1481 7781 7839 79111 79117"),
        ("IM", "1624 74576 7524 7624 7924"),
        ("JE", "1534 7509 77003 77007 77008 7797 7829 7937"),
    ]
    .iter()
    .find(of)
    .map(|(country, _)| *country)
}

/// The country of a North American number. `None` where its first digits are no area: toll-free, premium, personal.
fn north_american(national: &str) -> Option<&'static str> {
    let area = national.get(..3)?;
    if area.starts_with(['0', '1'])
        || PERSONAL.contains(&area)
        || TOLL_FREE.contains(&area)
        || area == "900"
        || area.ends_with("11")
    {
        return None;
    }
    let listed = NORTH_AMERICA.iter().find(|(_, areas)| areas.split_whitespace().any(|of| of == area));
    Some(listed.map_or("US", |(country, _)| country))
}

fn north_american_service(national: &str) -> NumberKind {
    match national.get(..3).unwrap_or_default() {
        "900" => NumberKind::Premium,
        area if TOLL_FREE.contains(&area) => NumberKind::TollFree,
        area if PERSONAL.contains(&area) => NumberKind::Premium,
        _ => NumberKind::Impossible,
    }
}

const TOLL_FREE: &[&str] = &["800", "822", "833", "844", "855", "866", "877", "888"];
/// Numbers that follow their owner, and those of machines.
const PERSONAL: &[&str] = &[
    "500", "521", "522", "523", "524", "525", "526", "527", "528", "529", "532", "533", "544", "566", "577", "588", "600", "622",
    "633", "700", "710",
];

/// Area codes of North America that are not in the fifty states, by country.
#[rustfmt::skip] // a table
const NORTH_AMERICA: &[(&str, &str)] = &[
    ("CA", "204 226 236 249 250 257 263 273 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 460 468 474 506 514 519 537 548 579
            581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942"),
    ("AG", "268"), ("AI", "264"), ("AS", "684"), ("BB", "246"), ("BM", "441"), ("BS", "242"), ("DM", "767"), ("DO", "809 829 849"),
    ("GD", "473"), ("GU", "671"), ("JM", "658 876"), ("KN", "869"), ("KY", "345"), ("LC", "758"), ("MP", "670"), ("MS", "664"),
    ("PR", "787 939"), ("SX", "721"), ("TC", "649"), ("TT", "868"), ("VC", "784"), ("VG", "284"), ("VI", "340"),
];

/// Codes of no country.
#[rustfmt::skip] // a table
const WORLDWIDE: &[(&str, NumberKind)] = &[
    ("800", NumberKind::TollFree), ("808", NumberKind::SharedCost), ("870", NumberKind::Satellite), ("878", NumberKind::Premium),
    ("881", NumberKind::Satellite), ("882", NumberKind::Satellite), ("883", NumberKind::Satellite), ("888", NumberKind::Satellite),
    ("979", NumberKind::Premium), ("991", NumberKind::Satellite),
];

#[rustfmt::skip] // a table
const CALLING_CODES: &[(&str, &str)] = &[
    ("1", "US"), ("7", "RU"),
    ("20", "EG"), ("27", "ZA"), ("30", "GR"), ("31", "NL"), ("32", "BE"), ("33", "FR"), ("34", "ES"), ("36", "HU"), ("39", "IT"),
    ("40", "RO"), ("41", "CH"), ("43", "AT"), ("44", "GB"), ("45", "DK"), ("46", "SE"), ("47", "NO"), ("48", "PL"), ("49", "DE"),
    ("51", "PE"), ("52", "MX"), ("53", "CU"), ("54", "AR"), ("55", "BR"), ("56", "CL"), ("57", "CO"), ("58", "VE"),
    ("60", "MY"), ("61", "AU"), ("62", "ID"), ("63", "PH"), ("64", "NZ"), ("65", "SG"), ("66", "TH"),
    ("81", "JP"), ("82", "KR"), ("84", "VN"), ("86", "CN"),
    ("90", "TR"), ("91", "IN"), ("92", "PK"), ("93", "AF"), ("94", "LK"), ("95", "MM"), ("98", "IR"),
    ("211", "SS"), ("212", "MA"), ("213", "DZ"), ("216", "TN"), ("218", "LY"), ("220", "GM"), ("221", "SN"), ("222", "MR"),
    ("223", "ML"), ("224", "GN"), ("225", "CI"), ("226", "BF"), ("227", "NE"), ("228", "TG"), ("229", "BJ"), ("230", "MU"),
    ("231", "LR"), ("232", "SL"), ("233", "GH"), ("234", "NG"), ("235", "TD"), ("236", "CF"), ("237", "CM"), ("238", "CV"),
    ("239", "ST"), ("240", "GQ"), ("241", "GA"), ("242", "CG"), ("243", "CD"), ("244", "AO"), ("245", "GW"), ("246", "IO"),
    ("247", "AC"), ("248", "SC"), ("249", "SD"), ("250", "RW"), ("251", "ET"), ("252", "SO"), ("253", "DJ"), ("254", "KE"),
    ("255", "TZ"), ("256", "UG"), ("257", "BI"), ("258", "MZ"), ("260", "ZM"), ("261", "MG"), ("262", "RE"), ("263", "ZW"),
    ("264", "NA"), ("265", "MW"), ("266", "LS"), ("267", "BW"), ("268", "SZ"), ("269", "KM"), ("290", "SH"), ("291", "ER"),
    ("297", "AW"), ("298", "FO"), ("299", "GL"), ("350", "GI"), ("351", "PT"), ("352", "LU"), ("353", "IE"), ("354", "IS"),
    ("355", "AL"), ("356", "MT"), ("357", "CY"), ("358", "FI"), ("359", "BG"), ("370", "LT"), ("371", "LV"), ("372", "EE"),
    ("373", "MD"), ("374", "AM"), ("375", "BY"), ("376", "AD"), ("377", "MC"), ("378", "SM"), ("379", "VA"), ("380", "UA"),
    ("381", "RS"), ("382", "ME"), ("383", "XK"), ("385", "HR"), ("386", "SI"), ("387", "BA"), ("389", "MK"), ("420", "CZ"),
    ("421", "SK"), ("423", "LI"), ("500", "FK"), ("501", "BZ"), ("502", "GT"), ("503", "SV"), ("504", "HN"), ("505", "NI"),
    ("506", "CR"), ("507", "PA"), ("508", "PM"), ("509", "HT"), ("590", "GP"), ("591", "BO"), ("592", "GY"), ("593", "EC"),
    ("594", "GF"), ("595", "PY"), ("596", "MQ"), ("597", "SR"), ("598", "UY"), ("599", "BQ"), ("670", "TL"), ("672", "NF"),
    ("673", "BN"), ("674", "NR"), ("675", "PG"), ("676", "TO"), ("677", "SB"), ("678", "VU"), ("679", "FJ"), ("680", "PW"),
    ("681", "WF"), ("682", "CK"), ("683", "NU"), ("685", "WS"), ("686", "KI"), ("687", "NC"), ("688", "TV"), ("689", "PF"),
    ("690", "TK"), ("691", "FM"), ("692", "MH"), ("850", "KP"), ("852", "HK"), ("853", "MO"), ("855", "KH"), ("856", "LA"),
    ("880", "BD"), ("886", "TW"), ("960", "MV"), ("961", "LB"), ("962", "JO"), ("963", "SY"), ("964", "IQ"), ("965", "KW"),
    ("966", "SA"), ("967", "YE"), ("968", "OM"), ("970", "PS"), ("971", "AE"), ("972", "IL"), ("973", "BH"), ("974", "QA"),
    ("975", "BT"), ("976", "MN"), ("977", "NP"), ("992", "TJ"), ("993", "TM"), ("994", "AZ"), ("995", "GE"), ("996", "KG"),
    ("998", "UZ"),
];

/// How many digits follow the calling code at least and at most, where that is settled. Elsewhere it is left to the provider.
#[rustfmt::skip] // a table
const LENGTHS: &[(&str, usize, usize)] = &[
    ("1", 10, 10), ("7", 10, 10), ("20", 8, 10), ("31", 9, 11), ("33", 9, 9), ("34", 9, 9), ("44", 7, 10), ("45", 8, 8), ("48", 9, 12),
    ("52", 10, 11), ("53", 6, 10), ("54", 10, 11), ("55", 10, 11), ("57", 10, 11), ("61", 6, 12), ("64", 7, 10), ("65", 8, 11),
    ("81", 9, 17), ("91", 10, 13), ("252", 6, 9), ("351", 9, 9), ("353", 7, 10), ("420", 9, 12), ("506", 8, 10), ("852", 8, 11), ("972", 7, 12),
];

/// Countries with 800 for toll-free and 900 for premium numbers, and nothing else that is known here.
#[rustfmt::skip] // a table
const LIKE_MANY: &[&str] = &[
    "233", "234", "250", "254", "256", "258", "297", "355", "373", "374", "383", "423", "503", "507", "591", "592", "960", "968", "974", "996",
];

/// The ranges of countries whose numbers are not ordinary, by the digits after the calling code. The first that fits counts.
#[rustfmt::skip] // a table
const RANGES: &[(&str, NumberKind, &str)] = &[
    ("7", NumberKind::TollFree, "800 804"), ("7", NumberKind::Premium, "803 809"),
    ("20", NumberKind::TollFree, "800"), ("20", NumberKind::Premium, "900"),
    ("27", NumberKind::TollFree, "80"), ("27", NumberKind::SharedCost, "860 861"), ("27", NumberKind::Premium, "86 90"),
    ("30", NumberKind::TollFree, "800"), ("30", NumberKind::Premium, "90"), ("30", NumberKind::SharedCost, "801 812 825 850 875"),
    ("31", NumberKind::TollFree, "800"), ("31", NumberKind::Premium, "90"),
    ("32", NumberKind::TollFree, "800"), ("32", NumberKind::Premium, "90 70"), ("32", NumberKind::SharedCost, "78"),
    ("33", NumberKind::TollFree, "80"), ("33", NumberKind::Premium, "89"), ("33", NumberKind::SharedCost, "81 82 83 88 84"),
    ("34", NumberKind::TollFree, "800 900"), ("34", NumberKind::Premium, "803 806 807 905"), ("34", NumberKind::SharedCost, "901 902"),
    ("36", NumberKind::TollFree, "80"), ("36", NumberKind::Premium, "90 91"),
    ("39", NumberKind::TollFree, "800 803"), ("39", NumberKind::Premium, "166 144 89 178 1455"), ("39", NumberKind::SharedCost, "84 1478 1479"),
    ("40", NumberKind::TollFree, "800"), ("40", NumberKind::Premium, "90"), ("40", NumberKind::SharedCost, "801"),
    ("41", NumberKind::TollFree, "800"), ("41", NumberKind::Premium, "90 878"), ("41", NumberKind::SharedCost, "84"),
    ("43", NumberKind::TollFree, "800"), ("43", NumberKind::Premium, "90 93"), ("43", NumberKind::SharedCost, "810 820 821 828"),
    ("44", NumberKind::TollFree, "80"), ("44", NumberKind::Premium, "70 87 9"), ("44", NumberKind::SharedCost, "84"),
    ("45", NumberKind::TollFree, "80"), ("45", NumberKind::Premium, "90"),
    ("46", NumberKind::TollFree, "20"), ("46", NumberKind::Premium, "649 99 900 939 944 75"), ("46", NumberKind::SharedCost, "77"),
    ("47", NumberKind::TollFree, "80"), ("47", NumberKind::Premium, "82 880"), ("47", NumberKind::SharedCost, "810 811 812 813 814 815"),
    ("48", NumberKind::TollFree, "800"), ("48", NumberKind::Premium, "70"), ("48", NumberKind::SharedCost, "801 804"),
    ("49", NumberKind::TollFree, "800"), ("49", NumberKind::Premium, "900 700 137 190 118"), ("49", NumberKind::SharedCost, "180"),
    ("51", NumberKind::TollFree, "800"), ("51", NumberKind::Premium, "805"), ("51", NumberKind::SharedCost, "801"),
    ("52", NumberKind::TollFree, "800 88"), ("52", NumberKind::Premium, "900 500"), ("52", NumberKind::SharedCost, "300"),
    ("53", NumberKind::TollFree, "800"), ("53", NumberKind::SharedCost, "807"),
    ("54", NumberKind::TollFree, "800"), ("54", NumberKind::Premium, "60"), ("54", NumberKind::SharedCost, "810"),
    ("55", NumberKind::TollFree, "800"), ("55", NumberKind::Premium, "900 300 500"), ("55", NumberKind::SharedCost, "400"),
    ("56", NumberKind::TollFree, "800 188 1230"),
    ("57", NumberKind::TollFree, "1800 800"), ("57", NumberKind::Premium, "1900 1901"),
    ("58", NumberKind::TollFree, "800"), ("58", NumberKind::Premium, "900"),
    ("61", NumberKind::TollFree, "1800 180"), ("61", NumberKind::Premium, "190"), ("61", NumberKind::SharedCost, "13"),
    ("62", NumberKind::TollFree, "800 803"), ("62", NumberKind::Premium, "809"), ("62", NumberKind::SharedCost, "804"),
    ("63", NumberKind::TollFree, "1800"),
    ("64", NumberKind::TollFree, "80 508"), ("64", NumberKind::Premium, "90 70"),
    ("65", NumberKind::TollFree, "1800 800"), ("65", NumberKind::Premium, "1900"),
    ("66", NumberKind::TollFree, "1800"), ("66", NumberKind::Premium, "1900"),
    ("81", NumberKind::TollFree, "120 800"), ("81", NumberKind::Premium, "990"), ("81", NumberKind::SharedCost, "570"),
    ("82", NumberKind::TollFree, "80 00308 00798 00368"), ("82", NumberKind::Premium, "60"), ("82", NumberKind::SharedCost, "50"),
    ("84", NumberKind::TollFree, "1800"), ("84", NumberKind::Premium, "1900"),
    ("86", NumberKind::TollFree, "800"), ("86", NumberKind::SharedCost, "400"),
    ("90", NumberKind::TollFree, "800 811 822"), ("90", NumberKind::Premium, "900 898 888"), ("90", NumberKind::SharedCost, "592"),
    ("91", NumberKind::TollFree, "1800 1600"), ("91", NumberKind::SharedCost, "1860"),
    ("92", NumberKind::TollFree, "800"), ("92", NumberKind::Premium, "900"), ("92", NumberKind::SharedCost, "122"),
    ("351", NumberKind::TollFree, "80"), ("351", NumberKind::Premium, "60 76 68"),
    ("352", NumberKind::TollFree, "800"), ("352", NumberKind::Premium, "900 901 905"), ("352", NumberKind::SharedCost, "801"),
    ("353", NumberKind::TollFree, "1800"), ("353", NumberKind::Premium, "15 700"), ("353", NumberKind::SharedCost, "1850 1890 18"),
    ("354", NumberKind::TollFree, "80"), ("354", NumberKind::Premium, "90"),
    ("356", NumberKind::TollFree, "800"), ("356", NumberKind::Premium, "50"),
    ("357", NumberKind::TollFree, "800"), ("357", NumberKind::Premium, "90"), ("357", NumberKind::SharedCost, "80"),
    ("358", NumberKind::TollFree, "800"), ("358", NumberKind::Premium, "600 700"),
    ("359", NumberKind::TollFree, "800"), ("359", NumberKind::Premium, "90"), ("359", NumberKind::SharedCost, "700"),
    ("370", NumberKind::TollFree, "800"), ("370", NumberKind::Premium, "900 89"), ("370", NumberKind::SharedCost, "808"),
    ("371", NumberKind::TollFree, "80"), ("371", NumberKind::Premium, "90"), ("371", NumberKind::SharedCost, "81"),
    ("372", NumberKind::TollFree, "800"), ("372", NumberKind::Premium, "900 40"),
    ("380", NumberKind::TollFree, "800"), ("380", NumberKind::Premium, "900"),
    ("381", NumberKind::TollFree, "800"), ("381", NumberKind::Premium, "90"),
    ("385", NumberKind::TollFree, "80"), ("385", NumberKind::Premium, "60 61"),
    ("386", NumberKind::TollFree, "80"), ("386", NumberKind::Premium, "90 89"),
    ("420", NumberKind::TollFree, "800"), ("420", NumberKind::Premium, "90 976"), ("420", NumberKind::SharedCost, "81 83 84"),
    ("421", NumberKind::TollFree, "800"), ("421", NumberKind::Premium, "900 97 98"), ("421", NumberKind::SharedCost, "850"),
    ("506", NumberKind::TollFree, "800"), ("506", NumberKind::Premium, "90"),
    ("593", NumberKind::TollFree, "1800 1700"),
    ("598", NumberKind::TollFree, "0800 405 800"), ("598", NumberKind::Premium, "90"),
    ("852", NumberKind::TollFree, "800"), ("852", NumberKind::Premium, "900"),
    ("212", NumberKind::TollFree, "80"), ("212", NumberKind::Premium, "89"),
    ("216", NumberKind::TollFree, "80"), ("216", NumberKind::Premium, "88"), ("216", NumberKind::SharedCost, "81 82"),
    ("221", NumberKind::TollFree, "800"), ("221", NumberKind::Premium, "88"), ("221", NumberKind::SharedCost, "81"),
    ("255", NumberKind::TollFree, "80"), ("255", NumberKind::Premium, "90"), ("255", NumberKind::SharedCost, "84 86"),
    ("262", NumberKind::TollFree, "80"), ("262", NumberKind::Premium, "89"), ("262", NumberKind::SharedCost, "81 82 88"),
    ("377", NumberKind::TollFree, "80 90"),
    ("387", NumberKind::TollFree, "80"), ("387", NumberKind::Premium, "90"), ("387", NumberKind::SharedCost, "81 82"),
    ("389", NumberKind::TollFree, "800"), ("389", NumberKind::Premium, "50"), ("389", NumberKind::SharedCost, "80"),
    ("590", NumberKind::TollFree, "800 805"), ("590", NumberKind::Premium, "81 82 89"),
    ("594", NumberKind::TollFree, "800 805"), ("594", NumberKind::Premium, "81 82 89"),
    ("596", NumberKind::TollFree, "800 805"), ("596", NumberKind::Premium, "81 82 89"),
    ("886", NumberKind::TollFree, "80"), ("886", NumberKind::Premium, "20"),
    ("962", NumberKind::TollFree, "80"), ("962", NumberKind::Premium, "90"), ("962", NumberKind::SharedCost, "85"),
    ("966", NumberKind::TollFree, "800"), ("966", NumberKind::Premium, "925"), ("966", NumberKind::SharedCost, "920"),
    ("971", NumberKind::TollFree, "800"), ("971", NumberKind::Premium, "900"), ("971", NumberKind::SharedCost, "700"),
    ("973", NumberKind::TollFree, "80"), ("973", NumberKind::Premium, "90 87"), ("973", NumberKind::SharedCost, "84"),
    ("972", NumberKind::TollFree, "180"), ("972", NumberKind::Premium, "1212 1200 19"), ("972", NumberKind::SharedCost, "1700"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    #[test]
    fn a_country_is_read_from_the_digits() {
        for (text, country) in [
            ("+14155550123", Some("US")),
            ("+13125550100", Some("US")),
            // No such area, as tests have it: a stranger to every list is taken for the largest country's.
            ("+15550000001", Some("US")),
            ("+14165550123", Some("CA")),
            ("+12425550123", Some("BS")),
            ("+18765550123", Some("JM")),
            ("+17875550123", Some("PR")),
            ("+16715550123", Some("GU")),
            ("+18005550123", None),
            ("+74951234567", Some("RU")),
            ("+77011234567", Some("KZ")),
            ("+447700900123", Some("GB")),
            ("+447911223456", Some("GB")),
            ("+447797712345", Some("JE")),
            ("+447781123456", Some("GG")),
            ("+447624123456", Some("IM")),
            ("+358181234567", Some("AX")),
            ("+358401234567", Some("FI")),
            ("+5215512345678", Some("MX")),
            ("+5351234567", Some("CU")),
            ("+25261234567", Some("SO")),
            ("+262692123456", Some("RE")),
            ("+262639123456", Some("YT")),
            ("+88163123456", None),
            ("+97912345678", None),
            ("+21012345678", None),
        ] {
            assert_eq!(number(text).country().map(|country| country.to_string()).as_deref(), country, "{text}");
        }
    }

    #[test]
    fn dear_and_deaf_ranges_are_told_apart() {
        use NumberKind::{Impossible, Ordinary, Premium, Satellite, SharedCost, TollFree};
        for (kind, numbers) in [
            (
                Ordinary,
                "+14155550123 +13125550100 +15550000001 +14165550123 +12425550123 +447700900123 +441632960123 +5351234567",
            ),
            (
                Ordinary,
                "+25261234567 +491711234567 +33612345678 +393331234567 +5215512345678 +5491123456789 +61412345678 +79161234567",
            ),
            (Ordinary, "+819012345678 +8613812345678 +919876543210 +6591234567 +85291234567 +447624123456 +2905123"),
            (TollFree, "+18005550123 +18335550123 +18885550123 +80012345678 +448001111 +448081570123 +498001234567 +78001234567"),
            (
                Premium,
                "+19005550123 +15005550123 +14159765555 +97912345678 +447012345678 +448712345678 +449012345678 +87812345678",
            ),
            (Premium, "+499001234567 +33899123456 +39899123456 +34803123456"),
            (SharedCost, "+80812345678 +448451234567 +491801234567 +61131234"),
            (Satellite, "+881631234567 +88216123456 +883510012345 +870773123456"),
            (Impossible, "+1415555012 +141555501234 +10155550123 +14115550123 +21012345678 +99912345678 +3361234567"),
        ] {
            for text in numbers.split_whitespace() {
                assert_eq!(number(text).kind(), kind, "{text}");
            }
        }
    }

    #[test]
    fn no_calling_code_begins_with_another() {
        let codes = || CALLING_CODES.iter().map(|(code, _)| *code).chain(WORLDWIDE.iter().map(|(code, _)| *code));
        for code in codes() {
            assert_eq!(codes().filter(|other| other.starts_with(code)).count(), 1, "{code}");
        }
        let tables = LENGTHS.iter().map(|(code, ..)| code).chain(RANGES.iter().map(|(code, ..)| code));
        assert!(tables.into_iter().all(|code| codes().any(|known| known == *code)));
    }

    #[test]
    fn countries_are_known_by_their_codes() {
        let known = |text: &str| text.parse::<Country>().unwrap().has_numbers();
        assert!(["US", "CA", "PR", "GB", "KZ", "CW", "XK"].into_iter().all(known));
        assert!(!["UK", "XX", "EU", "ZZ"].into_iter().any(known));
    }
}
