//! The fonts of a page: which characters they have, and how wide a text is.

use crate::{Error, Result};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");

/// What stands for a character that the fonts don't have.
const PLACEHOLDER: char = '□';

/// The two cuts of the font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
}

/// The fonts, ready to measure and to draw with.
pub(super) struct Fonts {
    regular: Cut,
    bold: Cut,
}

struct Cut {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
}

impl Cut {
    fn new(data: &'static [u8]) -> Result<Self> {
        let face = FontRef::new(data).map_err(Error::internal)?;
        let font = Font::new(data.into(), 0).ok_or_else(|| Error::internal("the font of the reports can't be read"))?;
        // One unit per em, as krilla counts advances.
        let metrics = face.glyph_metrics(Size::new(1.0), LocationRef::default());
        Ok(Self { font, characters: face.charmap(), metrics })
    }
}

impl Fonts {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { regular: Cut::new(REGULAR)?, bold: Cut::new(BOLD)? })
    }

    const fn cut(&self, face: Face) -> &Cut {
        match face {
            Face::Regular => &self.regular,
            Face::Bold => &self.bold,
        }
    }

    pub(super) fn font(&self, face: Face) -> Font {
        self.cut(face).font.clone()
    }

    /// The text as it can be printed: composed, without what has no shape of its own, and with a placeholder for what the fonts
    /// don't have. Any blank is a space.
    pub(super) fn printable(&self, text: &str) -> String {
        let shown = text.nfc().filter(|character| !is_shapeless(*character)).map(|character| {
            if character.is_whitespace() {
                ' '
            } else if self.regular.characters.map(character).is_some_and(|glyph| glyph.to_u32() != 0) {
                character
            } else {
                PLACEHOLDER
            }
        });
        shown.collect::<String>().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The glyphs of a printable text.
    pub(super) fn glyphs(&self, face: Face, text: &str) -> Vec<KrillaGlyph> {
        let cut = self.cut(face);
        let glyph = |(at, character): (usize, char)| {
            let glyph = cut.characters.map(character).unwrap_or_default();
            let advance = cut.metrics.advance_width(glyph).unwrap_or_default();
            let range = at..at.saturating_add(character.len_utf8());
            KrillaGlyph::new(GlyphId::new(glyph.to_u32()), advance, 0.0, 0.0, 0.0, range, None)
        };
        text.char_indices().map(glyph).collect()
    }

    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        let cut = self.cut(face);
        let advance = |character| cut.characters.map(character).and_then(|glyph| cut.metrics.advance_width(glyph));
        text.chars().filter_map(advance).sum::<f32>() * size
    }

    /// The text, cut with an ellipsis where it is wider than `room`.
    pub(super) fn fitted(&self, face: Face, size: f32, text: &str, room: f32) -> String {
        let mut shown = self.printable(text);
        if self.width(face, size, &shown) <= room {
            return shown;
        }
        while shown.pop().is_some() {
            let cut = format!("{}…", shown.trim_end());
            if self.width(face, size, &cut) <= room {
                return cut;
            }
        }
        shown
    }

    /// The text in lines no wider than `room`, `most` at the most. A word that is wider is broken.
    pub(super) fn lines(&self, face: Face, size: f32, text: &str, room: f32, most: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in self.printable(text).split(' ') {
            for piece in self.pieces(face, size, word, room) {
                let Some(line) = lines.last_mut() else { break };
                let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
                if self.width(face, size, &longer) <= room {
                    *line = longer;
                } else {
                    lines.push(piece);
                }
            }
        }
        if lines.len() > most {
            let rest = lines.split_off(most.saturating_sub(1)).join(" ");
            lines.push(self.fitted(face, size, &rest, room));
        }
        lines
    }

    fn pieces(&self, face: Face, size: f32, word: &str, room: f32) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for character in word.chars() {
            let Some(piece) = pieces.last_mut() else { break };
            piece.push(character);
            if self.width(face, size, piece) > room && piece.chars().nth(1).is_some() {
                piece.pop();
                pieces.push(character.to_string());
            }
        }
        pieces
    }
}

/// Whether a character changes others and has no shape itself: controls, marks of direction, joiners, variation selectors, tones of
/// skin, and accents that no letter has taken in.
fn is_shapeless(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character,
            '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{Face, Fonts};

    #[test]
    fn text_without_shape_or_font_is_still_printable() {
        let fonts = Fonts::new().unwrap();
        for (text, printed) in [
            ("Müller & Söhne", "Müller & Söhne"),
            ("Mu\u{308}ller", "Müller"),
            ("Водопровод Ёлка", "Водопровод Ёлка"),
            ("Υδραυλικά", "Υδραυλικά"),
            ("שלום", "□□□□"),
            ("Joe \u{1f469}\u{1f3fd}\u{200d}\u{1f527} & Co", "Joe □□ & Co"),
            ("a\u{202e}b\u{2066}c\0d\u{7}", "abcd"),
            ("  two\t\nlines ", "two lines"),
        ] {
            assert_eq!(fonts.printable(text), printed);
        }
    }

    #[test]
    fn long_text_is_cut_or_broken_at_the_room_it_has() {
        let fonts = Fonts::new().unwrap();
        let cut = fonts.fitted(Face::Bold, 20.0, &"Wide ".repeat(50), 200.0);
        assert!(cut.ends_with('…') && fonts.width(Face::Bold, 20.0, &cut) <= 200.0, "{cut}");
        for text in ["W".repeat(200), "several words of it ".repeat(9)] {
            let lines = fonts.lines(Face::Regular, 10.0, &text, 150.0, 3);
            assert_eq!(lines.len(), 3);
            assert!(lines.iter().all(|line| fonts.width(Face::Regular, 10.0, line) <= 150.0), "{lines:?}");
        }
    }
}
