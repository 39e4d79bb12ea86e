//! Profile photos: what comes in, what goes out, and what is never served.

use super::{Call, Person};
use crate::site::{Answer, Site};
use crate::wire::Wire;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use nmc_core::UserRole;
use nmc_core::testing::wait_until;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MINE: &str = "/v1/users/me/profile/photo";

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Of one colour.
fn picture(colour: u8, format: ImageFormat) -> Vec<u8> {
    encoded(RgbImage::from_pixel(8, 8, Rgb([colour, 0, 0])), format)
}

fn put<'s>(site: &'s Site, person: &Person, media_type: &str, bytes: impl Into<Vec<u8>>) -> Call<'s> {
    site.call("PUT", MINE).by(&person.access).bytes(media_type, bytes)
}

/// Files below the directory of uploads.
fn files(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn is_safe(answer: &Answer, media_type: &str) {
    for (name, value) in [
        ("Content-Type", media_type),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        ("Content-Disposition", "inline; filename=\"photo\""),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[test]
fn a_picture_comes_back_as_one_of_ours_whatever_it_was_called() {
    let site = Site::new();
    let person = site.person(&site.joe, UserRole::Viewer);
    let clear = encoded(RgbaImage::from_pixel(8, 8, Rgba([9, 0, 0, 7])), ImageFormat::Png);
    for (bytes, sent_as, kept_as) in [
        (picture(1, ImageFormat::Jpeg), "image/jpeg", "image/jpeg"),
        (picture(2, ImageFormat::Png), "text/html", "image/jpeg"),
        (picture(3, ImageFormat::WebP), "image/svg+xml; charset=utf-8", "image/jpeg"),
        (clear, "application/octet-stream", "image/png"),
        // A page behind the picture is gone with everything that is no pixel.
        ([picture(4, ImageFormat::Png), b"<script>alert(1)</script>".to_vec()].concat(), "text/html", "image/jpeg"),
    ] {
        let profile = put(&site, &person, sent_as, bytes).expect(200).document();
        let at = profile["photo"].as_str().unwrap();
        assert_eq!(at, format!("/v1/users/{}/profile/photo", person.id));
        let got = site.call("GET", at).by(&person.access).expect(200);
        is_safe(&got, kept_as);
        assert!(!got.body.contains("script"));
        let mark = if kept_as == "image/png" { "PNG" } else { "JFIF" };
        assert!(got.body.chars().take(20).collect::<String>().contains(mark), "{sent_as}");
    }
}

#[test]
fn what_is_no_picture_is_refused_and_the_old_one_stays() {
    let site = Site::new();
    let person = site.owner();
    put(&site, &person, "image/png", picture(1, ImageFormat::Png)).expect(200);
    let before = (site.rows(), files(site.uploads()));
    let (png, jpeg) = (picture(2, ImageFormat::Png), picture(2, ImageFormat::Jpeg));
    for (what, bytes) in [
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec()),
        ("HTML", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
        ("nothing", Vec::new()),
        ("half a PNG", png[..png.len() / 2].to_vec()),
        ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec()),
        ("a PNG's name alone", png[..8].to_vec()),
    ] {
        let answer = put(&site, &person, "image/png", bytes).expect(400);
        assert_eq!(answer.refusal().0, "#/photo", "{what}");
    }
    assert_eq!((site.rows(), files(site.uploads())), before);
}

#[test]
fn more_than_five_mebibytes_are_refused_declared_or_not() {
    let site = Site::new();
    let person = site.owner();
    let head =
        format!("PUT {MINE} HTTP/1.1\r\nHost: nmc\r\nAuthorization: Bearer {}\r\nContent-Type: image/png\r\n", person.access);
    let mut declared = site.wire();
    let answer = declared.exchange(&format!("{head}Content-Length: {}\r\n\r\n", 5 * 1024 * 1024 + 1));
    assert_eq!(answer.status, 413, "before a byte of it has come");
    let mut chunked = site.wire();
    chunked.write(&format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    let chunk = "x".repeat(64 * 1024);
    for _ in 0..80 {
        chunked.write(&format!("10000\r\n{chunk}\r\n"));
    }
    let answer = chunked.exchange("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(answer.status, 413);
    let full = put(&site, &person, "image/png", vec![b'x'; 5 * 1024 * 1024]).expect(400);
    assert_eq!(full.refusal().0, "#/photo", "as many are read");
    assert_eq!(files(site.uploads()), 0);
}

#[test]
fn strangers_see_no_photo_and_colleagues_do() {
    let site = Site::new();
    let (person, colleague) = (site.owner(), site.person(&site.joe, UserRole::Viewer));
    let stranger = site.person(&site.rival, UserRole::Owner);
    let at = format!("/v1/users/{}/profile/photo", person.id);
    site.call("GET", at.clone()).by(&colleague.access).expect(404);
    put(&site, &person, "image/png", picture(1, ImageFormat::Png)).expect(200);
    site.call("GET", at.clone()).by(&colleague.access).expect(200);
    site.call("GET", at.clone()).expect(401);
    for method in ["GET", "DELETE"] {
        site.call(method, at.clone()).by(&stranger.access).expect(404);
    }
    site.call("PUT", at.clone()).by(&stranger.access).bytes("image/png", picture(2, ImageFormat::Png)).expect(404);
    site.call("PUT", at.clone()).by(&colleague.access).bytes("image/png", picture(2, ImageFormat::Png)).expect(403);
    site.call("GET", at).by(&colleague.access).expect(200);
}

#[test]
fn a_photo_that_nobody_has_any_more_leaves_the_disk() {
    let site = Site::new();
    let [a, b] = [UserRole::Owner, UserRole::Viewer].map(|role| site.person(&site.joe, role));
    let red = picture(200, ImageFormat::Png);
    for person in [&a, &b] {
        put(&site, person, "image/png", red.clone()).expect(200);
    }
    assert_eq!(files(site.uploads()), 1, "the same picture lies there once");
    put(&site, &a, "image/png", picture(100, ImageFormat::Png)).expect(200);
    assert_eq!(files(site.uploads()), 2);
    site.call("GET", MINE).by(&b.access).expect(200);
    for (left, person) in [(1, &b), (0, &a)] {
        let profile = site.call("DELETE", MINE).by(&person.access).expect(200).document();
        assert!(profile["photo"].is_null());
        site.call("GET", MINE).by(&person.access).expect(404);
        assert_eq!(files(site.uploads()), left);
    }
    site.call("DELETE", MINE).by(&a.access).expect(200);
}

/// Who asks is found out before a large body takes room: the answer comes although none of it was sent.
#[test]
fn a_photo_is_not_received_from_who_is_not_known() {
    let site = Site::new();
    let key = format!("nmc_000000000000_{}", "A".repeat(43));
    let mut wire = site.wire();
    wire.write(&format!(
        "PUT /v1/users/me/profile/photo HTTP/1.1\r\nHost: nmc\r\nAuthorization: Bearer {key}\r\nContent-Type: image/png\r\n\
         Content-Length: 5000000\r\n\r\n"
    ));
    assert_eq!(wire.read().status, 401);
}

/// The head of an upload whose bytes never come.
fn stalled(site: &Site, person: &Person) -> Wire {
    let mut wire = site.wire();
    wire.write(&format!(
        "PUT {MINE} HTTP/1.1\r\nHost: nmc\r\nAuthorization: Bearer {}\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\n",
        person.access
    ));
    wire
}

#[test]
fn stalled_uploads_of_one_person_keep_nobody_out() {
    let site = Site::with(|_, config| config.patience = Duration::from_secs(30));
    let [viewer, colleague] = [UserRole::Viewer, UserRole::Owner].map(|role| site.person(&site.joe, role));
    let stranger = site.person(&site.rival, UserRole::Viewer);
    let mut crowd: Vec<Wire> = (0..17).map(|_| stalled(&site, &viewer)).collect();
    wait_until("all but two are refused", || crowd.iter().filter(|wire| wire.has_answer()).count() == 15);
    crowd.retain(|wire| !wire.has_answer());
    for person in [&colleague, &stranger] {
        put(&site, person, "image/png", picture(1, ImageFormat::Png)).expect(200);
    }
    put(&site, &viewer, "image/png", picture(1, ImageFormat::Png)).expect(429);

    crowd.extend((0..2).map(|_| stalled(&site, &colleague)));
    let third = site.person(&site.joe, UserRole::Viewer);
    wait_until("the business has its share", || {
        put(&site, &third, "image/png", picture(2, ImageFormat::Png)).send().status == 429
    });
    put(&site, &stranger, "image/png", picture(2, ImageFormat::Png)).expect(200);
    drop(crowd);
    wait_until("they have given up", || put(&site, &viewer, "image/png", picture(3, ImageFormat::Png)).send().status == 200);
}

#[test]
fn pictures_of_one_business_do_not_keep_others_waiting_for_ever() {
    let site = Site::new();
    let busy = [UserRole::Viewer, UserRole::Owner].map(|role| site.person(&site.joe, role));
    let stranger = site.person(&site.rival, UserRole::Viewer);
    let large = encoded(RgbImage::from_pixel(2_000, 2_000, Rgb([9, 9, 9])), ImageFormat::Jpeg);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for person in busy.iter().chain(&busy) {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    put(&site, person, "image/jpeg", large.clone()).send();
                }
            });
        }
        for colour in 0..10 {
            put(&site, &stranger, "image/png", picture(colour, ImageFormat::Png)).expect(200);
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
