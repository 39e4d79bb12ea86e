//! What the bytes of a picture, sound or document are, as they say themselves.

/// A kind of file that is kept. What a browser would run (HTML, SVG, scripts) is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the formats")]
#[non_exhaustive]
pub enum MediaKind {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
    Tiff,
    Heic,
    Avif,
    Mp4,
    QuickTime,
    ThreeGpp,
    WebM,
    Amr,
    Mp3,
    Aac,
    M4a,
    Ogg,
    Wav,
    Pdf,
    VCard,
    Calendar,
}

impl MediaKind {
    /// Every kind of file that is kept.
    pub const ALL: &'static [Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::WebP,
        Self::Bmp,
        Self::Tiff,
        Self::Heic,
        Self::Avif,
        Self::Mp4,
        Self::QuickTime,
        Self::ThreeGpp,
        Self::WebM,
        Self::Amr,
        Self::Mp3,
        Self::Aac,
        Self::M4a,
        Self::Ogg,
        Self::Wav,
        Self::Pdf,
        Self::VCard,
        Self::Calendar,
    ];

    /// The kind that a file's first bytes tell; `None` when it is none that is kept.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let at = |from: usize, what: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(what));
        Some(match bytes {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            _ if at(0, b"GIF87a") || at(0, b"GIF89a") => Self::Gif,
            _ if at(0, b"RIFF") && at(8, b"WEBP") => Self::WebP,
            _ if at(0, b"RIFF") && at(8, b"WAVE") => Self::Wav,
            // The four reserved bytes: two letters alone begin many a text.
            _ if at(0, b"BM") && at(6, &[0, 0, 0, 0]) => Self::Bmp,
            _ if at(0, b"II*\0") || at(0, b"MM\0*") => Self::Tiff,
            _ if at(4, b"ftyp") => Self::of_brand(bytes.get(8..12)?)?,
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::WebM,
            _ if at(0, b"#!AMR\n") || at(0, b"#!AMR-WB\n") => Self::Amr,
            _ if at(0, b"ID3") => Self::Mp3,
            _ if at(0, b"OggS") => Self::Ogg,
            _ if at(0, b"%PDF-") => Self::Pdf,
            // Layers 1 to 3 of MPEG audio begin with eleven bits; the layer "0" of the next ones means AAC.
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Self::Aac,
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Self::Mp3,
            _ => return Self::of_card(bytes),
        })
    }

    fn of_brand(brand: &[u8]) -> Option<Self> {
        Some(match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Self::Heic,
            b"avif" | b"avis" => Self::Avif,
            b"qt  " => Self::QuickTime,
            b"M4A " | b"M4B " => Self::M4a,
            [b'3', b'g', ..] => Self::ThreeGpp,
            b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"dash" | b"M4V " | b"MSNV" => {
                Self::Mp4
            }
            _ => return None,
        })
    }

    /// A contact or an appointment, which are text.
    fn of_card(bytes: &[u8]) -> Option<Self> {
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let begins = |with: &[u8]| start.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
        if begins(b"BEGIN:VCARD") {
            Some(Self::VCard)
        } else if begins(b"BEGIN:VCALENDAR") {
            Some(Self::Calendar)
        } else {
            None
        }
    }

    /// The kind with this media type, as [`Self::media_type`] writes it.
    #[must_use]
    pub fn of_type(media_type: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.media_type() == media_type)
    }

    /// The media type of the kind.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        self.names().0
    }

    /// The end of the names of such files.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        self.names().1
    }

    /// Whether browsers show the kind as a picture.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::WebP)
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Jpeg => ("image/jpeg", "jpg"),
            Self::Png => ("image/png", "png"),
            Self::Gif => ("image/gif", "gif"),
            Self::WebP => ("image/webp", "webp"),
            Self::Bmp => ("image/bmp", "bmp"),
            Self::Tiff => ("image/tiff", "tiff"),
            Self::Heic => ("image/heic", "heic"),
            Self::Avif => ("image/avif", "avif"),
            Self::Mp4 => ("video/mp4", "mp4"),
            Self::QuickTime => ("video/quicktime", "mov"),
            Self::ThreeGpp => ("video/3gpp", "3gp"),
            Self::WebM => ("video/webm", "webm"),
            Self::Amr => ("audio/amr", "amr"),
            Self::Mp3 => ("audio/mpeg", "mp3"),
            Self::Aac => ("audio/aac", "aac"),
            Self::M4a => ("audio/mp4", "m4a"),
            Self::Ogg => ("audio/ogg", "ogg"),
            Self::Wav => ("audio/wav", "wav"),
            Self::Pdf => ("application/pdf", "pdf"),
            Self::VCard => ("text/vcard", "vcf"),
            Self::Calendar => ("text/calendar", "ics"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MediaKind;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let brand = |brand: &[u8; 4]| [&[0, 0, 0, 24], b"ftyp".as_slice(), brand, &[0; 12]].concat();
        for (bytes, kind) in [
            (b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(), MediaKind::Jpeg),
            (b"\x89PNG\r\n\x1a\n....".to_vec(), MediaKind::Png),
            (b"GIF89a...".to_vec(), MediaKind::Gif),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), MediaKind::WebP),
            (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), MediaKind::Wav),
            (b"BM\x10\x20\x30\0\0\0\0\0\x36".to_vec(), MediaKind::Bmp),
            (b"II*\0\x08".to_vec(), MediaKind::Tiff),
            (brand(b"heic"), MediaKind::Heic),
            (brand(b"avif"), MediaKind::Avif),
            (brand(b"mp42"), MediaKind::Mp4),
            (brand(b"qt  "), MediaKind::QuickTime),
            (brand(b"3gp4"), MediaKind::ThreeGpp),
            (brand(b"M4A "), MediaKind::M4a),
            (b"\x1aE\xdf\xa3\x9fB\x86".to_vec(), MediaKind::WebM),
            (b"#!AMR\n<".to_vec(), MediaKind::Amr),
            (b"ID3\x04".to_vec(), MediaKind::Mp3),
            (b"\xff\xfb\x90\x64".to_vec(), MediaKind::Mp3),
            (b"\xff\xf1\x50\x80".to_vec(), MediaKind::Aac),
            (b"OggS\0\x02".to_vec(), MediaKind::Ogg),
            (b"%PDF-1.7".to_vec(), MediaKind::Pdf),
            (b"\xef\xbb\xbfbegin:vcard\r\nVERSION:3.0".to_vec(), MediaKind::VCard),
            (b"BEGIN:VCALENDAR\r\n".to_vec(), MediaKind::Calendar),
        ] {
            assert_eq!(MediaKind::of(&bytes), Some(kind));
            assert_eq!(MediaKind::of_type(kind.media_type()), Some(kind));
        }
    }

    #[test]
    fn what_a_browser_would_run_is_no_kind() {
        for bytes in [
            b"".as_slice(),
            b"<!DOCTYPE html><script>",
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            b"<?xml version='1.0'?><svg/>",
            b"#!/bin/sh",
            b"MZ\x90\0",
            b"\x7fELF",
            b"PK\x03\x04",
            b"BM is how this text begins",
            b"hello",
            b"\0\0\0\x18ftypevil",
            b"\0\0\0\x18ftyp",
            b"\xff",
        ] {
            assert_eq!(MediaKind::of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn no_two_kinds_have_a_name_in_common() {
        let names: std::collections::BTreeSet<_> =
            MediaKind::ALL.iter().flat_map(|kind| [kind.media_type(), kind.extension()]).collect();
        assert_eq!(names.len(), MediaKind::ALL.len() * 2);
    }
}
