//! Profile photos: what somebody uploads, made into a small picture of ours.
//!
//! Nothing of the upload survives but its pixels: it is decoded, turned upright, made small and encoded anew. So no place and
//! time of its taking, no trailing bytes and no second meaning of the same bytes is ever kept or shown.

use crate::{Error, Result};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Longest side of an upload, in pixels.
const LONGEST_SIDE: u32 = 8_192;
/// Most pixels of an upload.
const MOST_PIXELS: u64 = 40_000_000;
/// Most bytes of an upload once decoded: its most pixels at 4 bytes each.
const MOST_MEMORY: u64 = 4 * MOST_PIXELS;
/// Most passes of a JPEG. Cameras make about ten; each takes as long as the picture is large, however few its bytes.
const MOST_SCANS: usize = 64;
const JPEG_QUALITY: u8 = 85;

const DAMAGED: &str = "is damaged or incomplete";
const TOO_LARGE: &str = "must be at most 8192 pixels wide and high, and have at most 40 megapixels";
const TOO_DEEP: &str = "takes too much memory to open; save it with 8 bits a channel";

fn refused(rule: &'static str) -> Error {
    Error::invalid("photo", rule)
}

/// The kind of a kept photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    Png,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Jpeg, Self::Png];

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A photo that is ready to be kept: a JPEG, or a PNG if something of it is transparent.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Photo {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Kind,
}

/// The photo without the picture, which is somebody's face.
impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Photo").field("kind", &self.kind).field("bytes", &self.bytes.len()).finish()
    }
}

impl Photo {
    /// The most bytes of an upload.
    pub const LARGEST: usize = 5 * 1024 * 1024;
    /// The longest side of a photo that is kept, in pixels.
    pub const SIDE: u32 = 512;

    /// The encoded picture.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The media type of the photo: `image/jpeg` or `image/png`.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.kind.media_type()
    }

    pub(super) fn prepare(upload: &[u8]) -> Result<Self> {
        if upload.len() > Self::LARGEST {
            return Err(refused("must be at most 5 MiB"));
        }
        let format = sniffed(upload).ok_or_else(|| refused("must be a JPEG, PNG or WebP picture"))?;
        if format == ImageFormat::Jpeg && scans(upload).is_none_or(|scans| scans > MOST_SCANS) {
            return Err(refused(DAMAGED));
        }
        let (picture, orientation) = decoded(upload, format)?;
        let mut picture = small(picture);
        picture.apply_orientation(orientation);
        encoded(&picture)
    }
}

/// The format that the bytes themselves say they have.
fn sniffed(upload: &[u8]) -> Option<ImageFormat> {
    match upload {
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// How many scans a JPEG has up to its end marker; `None` if that never comes. The decoder fills in grey what is missing,
/// and takes any number.
fn scans(jpeg: &[u8]) -> Option<usize> {
    let (mut rest, mut scans) = (jpeg, 0);
    loop {
        rest = rest.get(rest.iter().position(|byte| *byte == 0xFF)?..)?;
        let skip = match rest {
            // The end.
            [_, 0xD9, ..] => return Some(scans),
            // A fill byte.
            [_, 0xFF, ..] => 1,
            // Stuffing within a scan, and the markers without a length.
            [_, 0x00 | 0x01 | 0xD0..=0xD8, ..] => 2,
            [_, marker, high, low, ..] => {
                scans += usize::from(*marker == 0xDA);
                2 + usize::from(u16::from_be_bytes([*high, *low]))
            }
            _ => return None,
        };
        rest = rest.get(skip..)?;
    }
}

/// The pixels and which way is up. Dimensions are known, and refused, before anything is decoded.
fn decoded(upload: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(upload), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(refused(TOO_LARGE));
    }
    if decoder.total_bytes() > MOST_MEMORY {
        return Err(refused(TOO_DEEP));
    }
    // Who can't say which way is up is upright.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    Ok((picture, orientation))
}

fn refusal(error: &ImageError) -> Error {
    refused(if matches!(error, ImageError::Limits(_)) { TOO_LARGE } else { DAMAGED })
}

fn small(picture: DynamicImage) -> DynamicImage {
    const SIDE: u32 = Photo::SIDE;
    if picture.width() <= SIDE && picture.height() <= SIDE {
        return picture;
    }
    // The good filter takes seconds over a large picture, so that is halved some times by the quick one first.
    let picture = if picture.width().max(picture.height()) > 4 * SIDE { picture.thumbnail(2 * SIDE, 2 * SIDE) } else { picture };
    picture.resize(SIDE, SIDE, FilterType::CatmullRom)
}

fn encoded(picture: &DynamicImage) -> Result<Photo> {
    let mut bytes = Vec::new();
    let with_alpha = picture.color().has_alpha().then(|| picture.to_rgba8());
    let (written, kind) = match with_alpha {
        Some(pixels) if pixels.pixels().any(|pixel| pixel.0.last().is_some_and(|alpha| *alpha < u8::MAX)) => {
            (pixels.write_with_encoder(PngEncoder::new(&mut bytes)), Kind::Png)
        }
        _ => (picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)), Kind::Jpeg),
    };
    written.map_err(Error::internal)?;
    Ok(Photo { bytes, kind })
}
