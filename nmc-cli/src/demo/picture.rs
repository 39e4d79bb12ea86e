//! The picture that a customer of the demo sends: a dripping tap, drawn here.

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write as _;

/// Each character is a square of the picture, in a colour of [`PALETTE`].
const DRAWING: [&str; 24] = [
    "................:...............",
    "................:...............",
    ".......##########...............",
    "......#rwwwwwwwo#...............",
    ".......####oo####...............",
    ":::::::::::#wd#:::::::::::::::::",
    "..........#wod#.:...............",
    ".......####wod#######...........",
    "......#wwwwwwwwwwwwww##.........",
    "......#oooooooooooooooo#........",
    "......#ddddoooodddddooo##.......",
    ".......####wood#####dooo#.......",
    "..........#wood#:...#doo#.......",
    "..........#wood#:...#dod#.......",
    "::::::::::#wood#:::::####:::::::",
    "..........#wood#......b.........",
    "..........#wood#......b.........",
    "..........#wood#.....bwb........",
    ".........##wood##....bbb........",
    "........#wwooooodd#...b.........",
    "ssssssss###########sssssssssssss",
    "ssssssssssssssssssssssssssssssss",
    "eeeeeeeeeeeeeeeeeeeeebbbeeeeeeee",
    "ssssssssssssssssssssssssssssssss",
];
/// The width of the drawing, in characters.
const WIDTH: u16 = 32;
const HEIGHT: u16 = 24;
/// The width and height of a square, in pixels.
const SCALE: u16 = 10;

/// The colours by their characters; what has none is the wall.
const PALETTE: [(char, [u8; 3]); 10] = [
    ('.', [0xdd, 0xe9, 0xee]),
    (':', [0xc3, 0xd5, 0xdd]),
    ('#', [0x3b, 0x4a, 0x54]),
    ('o', [0xa9, 0xb8, 0xc2]),
    ('w', [0xf2, 0xf7, 0xfa]),
    ('d', [0x7d, 0x8e, 0x9a]),
    ('r', [0xc8, 0x45, 0x2f]),
    ('b', [0x2f, 0x7f, 0xc8]),
    ('s', [0xfb, 0xfc, 0xfd]),
    ('e', [0xb8, 0xc6, 0xcd]),
];

/// The picture as a PNG with a palette.
pub(super) fn dripping_tap() -> std::io::Result<Vec<u8>> {
    let mut header = Vec::new();
    for side in [WIDTH, HEIGHT] {
        header.extend_from_slice(&u32::from(side * SCALE).to_be_bytes());
    }
    // Eight bits for each pixel, which name a colour of the palette; nothing else is special.
    header.extend_from_slice(&[8, 3, 0, 0, 0]);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in DRAWING {
        // A row begins with its filter, which is none.
        let colours = row.chars().flat_map(|square| std::iter::repeat_n(colour(square), SCALE.into()));
        let line: Vec<u8> = std::iter::once(0).chain(colours).collect();
        for _ in 0..SCALE {
            pixels.write_all(&line)?;
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &header)?;
    chunk(&mut png, b"PLTE", PALETTE.map(|(_, colour)| colour).as_flattened())?;
    chunk(&mut png, b"IDAT", &pixels.finish()?)?;
    chunk(&mut png, b"IEND", &[])?;
    Ok(png)
}

/// The place of a square's colour in the palette.
fn colour(square: char) -> u8 {
    (0..).zip(PALETTE).find_map(|(place, (name, _))| (name == square).then_some(place)).unwrap_or_default()
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(data.len()).map_err(std::io::Error::other)?;
    let mut sum = Crc::new();
    sum.update(name);
    sum.update(data);
    let parts: [&[u8]; 4] = [&length.to_be_bytes(), name, data, &sum.sum().to_be_bytes()];
    parts.iter().for_each(|part| png.extend_from_slice(part));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DRAWING, HEIGHT, PALETTE, WIDTH, dripping_tap};

    #[test]
    fn picture_has_a_colour_for_each_square() {
        assert_eq!(DRAWING.len(), usize::from(HEIGHT));
        for row in DRAWING {
            assert_eq!(row.chars().count(), usize::from(WIDTH), "{row}");
            assert!(row.chars().all(|square| PALETTE.iter().any(|(name, _)| *name == square)), "{row}");
        }
        let png = dripping_tap().unwrap();
        assert!(png.len() < 4_000, "{}", png.len());
        assert_eq!(png.get(16..24), Some([0, 0, 1, 64, 0, 0, 0, 240].as_slice()));
    }
}
