//! Profile photos: what is taken in and what becomes of it, and (in `kept`) how they are kept and changed.

mod kept;

use crate::support::refused;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Rgb, RgbImage, Rgba, RgbaImage};
use nmc_core::Uploads;
use nmc_core::people::Photo;
use nmc_core::testing::unique_sid;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A directory of a test's own that goes with it. What is in it need not exist.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(unique_sid("nmc-photos-"));
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    fn uploads(&self) -> Uploads {
        Uploads::new(self.0.join("uploads"))
    }

    /// Every file below, by its path from here.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, from: &Path, files: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.symlink_metadata().unwrap().is_dir() {
                    walk(&path, from, files);
                } else {
                    files.push(path.strip_prefix(from).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.0, &self.0, &mut files);
        files.sort();
        files
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn prepare(upload: &[u8]) -> nmc_core::Result<Photo> {
    Uploads::new("/nowhere").prepare(upload)
}

/// Left half red, right half blue.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 95)).unwrap();
    bytes
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

fn webp(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(WebPEncoder::new_lossless(&mut bytes)).unwrap();
    bytes
}

fn a_photo() -> Photo {
    prepare(&jpeg(&picture(64, 48))).unwrap()
}

fn shown(photo: &Photo) -> DynamicImage {
    image::load_from_memory(photo.bytes()).unwrap()
}

/// A JPEG with this segment after its first marker.
fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, body, &jpeg[2..]].concat()
}

/// EXIF with an orientation and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let ifd = |entries: &[Vec<u8>]| [&[u8::try_from(entries.len()).unwrap(), 0][..], &entries.concat(), &[0; 4]].concat();
    let main = ifd(&[entry(0x0112, 3, 1, [orientation, 0, 0, 0]), entry(0x8825, 4, 1, [38, 0, 0, 0])]);
    let place = ifd(&[entry(1, 2, 2, *b"N\0\0\0")]);
    [b"Exif\0\0II*\0\x08\0\0\0", main.as_slice(), &place, b"GPS 37.7749,-122.4194"].concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn each_kind_of_picture_becomes_a_small_one_of_ours() {
    let rgb = |width, height| DynamicImage::from(picture(width, height));
    let clear = |alpha| DynamicImage::from(RgbaImage::from_pixel(600, 300, Rgba([0, 128, 0, alpha])));
    let cases = [
        ("a JPEG", jpeg(&picture(1_024, 512)), "image/jpeg", (512, 256)),
        ("one that is small", jpeg(&picture(40, 30)), "image/jpeg", (40, 30)),
        ("as small as can be", jpeg(&picture(1, 1)), "image/jpeg", (1, 1)),
        ("one that is thin", jpeg(&picture(2, 8_000)), "image/jpeg", (1, 512)),
        ("one that is large", jpeg(&picture(6_000, 3_000)), "image/jpeg", (512, 256)),
        ("a PNG", png(&rgb(300, 600)), "image/jpeg", (256, 512)),
        ("grey, 16 bits", png(&rgb(600, 600).to_luma16().into()), "image/jpeg", (512, 512)),
        ("with alpha that hides nothing", png(&clear(255)), "image/jpeg", (512, 256)),
        ("with transparency", png(&clear(100)), "image/png", (512, 256)),
        ("a WebP", webp(&rgb(700, 700)), "image/jpeg", (512, 512)),
        ("a transparent WebP", webp(&clear(0)), "image/png", (512, 256)),
    ];
    for (what, upload, media_type, size) in cases {
        let photo = prepare(&upload).unwrap_or_else(|error| panic!("{what}: {error}"));
        let ours = shown(&photo);
        assert_eq!((photo.media_type(), (ours.width(), ours.height())), (media_type, size), "{what}");
        assert!(photo.bytes().len() < 100_000, "{what}: {photo:?}");
    }
    assert!(format!("{:?}", a_photo()).starts_with("Photo { kind: Jpeg, bytes: "), "no pixels in a log");
}

/// A PNG that claims to be so large, of that depth and kind of colour, in a few bytes.
fn claimed_png(width: u32, height: u32, colours: [u8; 2]) -> Vec<u8> {
    let mut bytes = png(&DynamicImage::from(picture(1, 1)));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes[24..26].copy_from_slice(&colours);
    let crc = bytes[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

/// A JPEG that claims to be so large.
fn claimed_jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg(&picture(8, 8));
    let frame = bytes.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn upload_that_is_no_bearable_picture_is_refused_in_plain_words() {
    const TYPE: &str = "must be a JPEG, PNG or WebP picture";
    const DAMAGED: &str = "is damaged or incomplete";
    const LARGE: &str = "must be at most 8192 pixels wide and high, and have at most 40 megapixels";
    const DEEP: &str = "takes too much memory to open; save it with 8 bits a channel";
    const RGB: [u8; 2] = [8, 2];
    let good = DynamicImage::from(picture(64, 64));
    let (a_jpeg, a_png, a_webp) = (jpeg(&picture(64, 64)), png(&good), webp(&good));
    let cut = |bytes: &[u8], keep: usize| bytes[..bytes.len() * keep / 100].to_vec();
    let scan = a_jpeg.windows(2).position(|two| two == [0xFF, 0xDA]).unwrap();
    let (headers, pass) = a_jpeg[..a_jpeg.len() - 2].split_at(scan);
    let passes = |passes| [headers, &pass.repeat(passes), &[0xFF, 0xD9]].concat();
    assert!(prepare(&passes(64)).is_ok(), "as many as may be");
    // The end marker of the thumbnail in its EXIF is not its own.
    let thumbnailed = cut(&with_segment(&a_jpeg, 0xE1, &[&exif(1), a_jpeg.as_slice()].concat()), 90);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], TYPE),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), TYPE),
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(), TYPE),
        ("a page", b"<!doctype html><title>photo.jpg</title>".to_vec(), TYPE),
        ("a PDF", b"%PDF-1.7\n%\xFF\xD8\xFF\n".to_vec(), TYPE),
        ("a bitmap", b"BM\x3A\0\0\0\0\0\0\0".to_vec(), TYPE),
        ("a sound", b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), TYPE),
        ("a page before a picture", [b"<html>".as_slice(), &a_jpeg].concat(), TYPE),
        ("the beginning of a JPEG", a_jpeg[..3].to_vec(), DAMAGED),
        ("a JPEG's headers", a_jpeg[..scan].to_vec(), DAMAGED),
        ("most of a JPEG", cut(&a_jpeg, 95), DAMAGED),
        ("most of one with a thumbnail", thumbnailed, DAMAGED),
        ("a JPEG without a picture", vec![0xFF, 0xD8, 0xFF, 0xD9], DAMAGED),
        ("more passes than any camera makes", passes(65), DAMAGED),
        ("most of a PNG", cut(&a_png, 60), DAMAGED),
        ("a PNG's first bytes", a_png[..8].to_vec(), DAMAGED),
        ("most of a WebP", cut(&a_webp, 60), DAMAGED),
        ("a WebP's first bytes", a_webp[..12].to_vec(), DAMAGED),
        ("a PNG that claims 3.6 gigapixels", claimed_png(60_000, 60_000, RGB), LARGE),
        ("a PNG that is too wide", claimed_png(8_193, 1, RGB), LARGE),
        ("a PNG of too many pixels", claimed_png(8_000, 5_001, RGB), LARGE),
        ("a PNG of 8 bytes a pixel", claimed_png(8_000, 4_000, [16, 6]), DEEP),
        ("a JPEG that claims 4 gigapixels", claimed_jpeg(65_000, 65_000), LARGE),
        ("a JPEG of too many pixels", claimed_jpeg(8_192, 4_883), LARGE),
        ("too many bytes", vec![0; Photo::LARGEST + 1], "must be at most 5 MiB"),
        ("as many bytes as may be", vec![0; Photo::LARGEST], TYPE),
    ];
    for (what, upload, rule) in cases {
        let begun = std::time::Instant::now();
        assert_eq!(refused(prepare(&upload)), ("photo".to_owned(), rule.to_owned()), "{what}");
        assert!(begun.elapsed().as_secs() < 2, "{what} is refused cheaply");
    }
}

#[test]
fn nothing_but_the_pixels_survives() {
    let plain = jpeg(&picture(64, 64));
    let page = b"<script>alert('polyglot')</script>";
    let comment = with_segment(&plain, 0xFE, page);
    let full = [with_segment(&comment, 0xE1, &exif(1)).as_slice(), page, b"PK\x05\x06"].concat();
    assert!(contains(&full, b"GPS") && contains(&full, page), "they are in the upload");
    let photo = prepare(&full).unwrap();
    for part in [&b"GPS"[..], b"Exif", page, b"script", b"PK\x05\x06"] {
        assert!(!contains(photo.bytes(), part), "{}", String::from_utf8_lossy(part));
    }
    assert!(photo.bytes().ends_with(&[0xFF, 0xD9]));
    assert_eq!(photo, prepare(&plain).unwrap(), "the same pixels, the same photo");
    let mut ours = ImageReader::new(Cursor::new(photo.bytes())).with_guessed_format().unwrap().into_decoder().unwrap();
    assert_eq!((ours.exif_metadata().unwrap(), ours.icc_profile().unwrap(), ours.xmp_metadata().unwrap()), (None, None, None));

    let clear = png(&RgbaImage::from_pixel(10, 10, Rgba([1, 2, 3, 4])).into());
    let photo = prepare(&[clear.as_slice(), page].concat()).unwrap();
    assert!(!contains(photo.bytes(), page) && photo.bytes().ends_with(b"IEND\xAEB`\x82"));
}

#[test]
fn a_photo_is_turned_upright() {
    let upload = jpeg(&picture(64, 32));
    let red = |photo: &DynamicImage, x: u32, y: u32| photo.to_rgb8().get_pixel(x, y).0[0] > 128;
    // Whether the red half comes first, from the left or from the top.
    for (orientation, size, first) in [
        (1, (64, 32), true),
        (2, (64, 32), false),
        (3, (64, 32), false),
        (4, (64, 32), true),
        (5, (32, 64), true),
        (6, (32, 64), true),
        (7, (32, 64), false),
        (8, (32, 64), false),
        (0, (64, 32), true),
        (99, (64, 32), true),
    ] {
        let photo = shown(&prepare(&with_segment(&upload, 0xE1, &exif(orientation))).unwrap());
        assert_eq!((photo.width(), photo.height()), size, "{orientation}");
        let (x, y) = if size.0 > size.1 { (8, 16) } else { (16, 8) };
        assert_eq!(red(&photo, x, y), first, "{orientation}");
        assert_eq!(red(&photo, size.0 - 1 - x, size.1 - 1 - y), !first, "{orientation}");
    }
    assert!(prepare(&with_segment(&upload, 0xE1, b"Exif\0\0rubbish")).is_ok(), "what can't say so is upright");
}
