//! How long a text is, as those who carry it count.

/// The encoding in which a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsEncoding {
    /// GSM 03.38: Latin letters, digits and some signs; 160 to a text, 153 to each part of a longer one. `^{}\[~]|€` and
    /// form feed count twice.
    Gsm7,
    /// UCS-2, for all other characters: 70 to a text, 67 to each part of a longer one. Emoji count twice.
    Ucs2,
}

impl SmsEncoding {
    /// The name of the encoding, as providers write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// The encoding that takes every character of the text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| gsm7_units(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7_units(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// How many segments the provider bills for a text in this encoding. No character is torn over two of them.
    fn segments(self, text: &str) -> usize {
        let (alone, part) = self.room();
        let sizes = || text.chars().map(|c| self.units(c));
        if sizes().sum::<usize>() <= alone {
            return 1;
        }
        let filled =
            sizes().fold((1, 0), |(parts, used), size| if used + size > part { (parts + 1, size) } else { (parts, used + size) });
        filled.0
    }
}

/// The basic set of GSM 03.38, without escape, and what is reached through escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
                     abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

fn gsm7_units(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The length of a text, for those who pay for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSize {
    /// The length in characters.
    pub characters: usize,
    /// The encoding in which the text travels.
    pub encoding: SmsEncoding,
    /// The number of segments that the text is billed as.
    pub segments: usize,
}

impl TextSize {
    /// The size of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let encoding = SmsEncoding::of(text);
        Self { characters: text.chars().count(), encoding, segments: encoding.segments(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_whole() {
        assert_eq!((BASIC.chars().count(), EXTENSION.chars().count()), (127, 10));
        for c in BASIC.chars().chain(EXTENSION.chars()) {
            assert_eq!(BASIC.matches(c).count() + EXTENSION.matches(c).count(), 1, "{c:?} once");
        }
    }

    #[test]
    fn segments_are_counted_as_the_provider_counts_them() {
        let cases = [
            ("", SmsEncoding::Gsm7, 1),
            (&"x".repeat(160), SmsEncoding::Gsm7, 1),
            (&"x".repeat(161), SmsEncoding::Gsm7, 2),
            (&"x".repeat(306), SmsEncoding::Gsm7, 2),
            (&"x".repeat(307), SmsEncoding::Gsm7, 3),
            (&"x".repeat(1_600), SmsEncoding::Gsm7, 11),
            (&"€".repeat(80), SmsEncoding::Gsm7, 1),
            (&format!("{}x", "€".repeat(80)), SmsEncoding::Gsm7, 2),
            // 76 pairs in 153: the odd place stays empty.
            (&"€".repeat(153), SmsEncoding::Gsm7, 3),
            (&"ñ".repeat(160), SmsEncoding::Gsm7, 1),
            (&"á".repeat(70), SmsEncoding::Ucs2, 1),
            (&"á".repeat(71), SmsEncoding::Ucs2, 2),
            (&"á".repeat(134), SmsEncoding::Ucs2, 2),
            (&"á".repeat(135), SmsEncoding::Ucs2, 3),
            (&format!("{}’", "x".repeat(70)), SmsEncoding::Ucs2, 2),
            (&"😀".repeat(35), SmsEncoding::Ucs2, 1),
            (&"😀".repeat(36), SmsEncoding::Ucs2, 2),
            // 33 pairs in 67.
            (&"😀".repeat(67), SmsEncoding::Ucs2, 3),
        ];
        for (text, encoding, segments) in cases {
            assert_eq!((SmsEncoding::of(text), encoding.segments(text)), (encoding, segments), "{} of {text}", text.len());
        }
    }
}
