//! Pictures that are damaged, declare a false size, or are something else.

use std::iter;

use image::{DynamicImage, ImageFormat};

use super::{Case, Expected};
use crate::http::{self, data_url, drawing, drawn, png, request};

/// Bytes of damaged pictures, of other files, and arbitrary bytes.
pub fn foreign() -> Vec<(&'static str, Vec<u8>)> {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";
    vec![
        ("nothing", Vec::new()),
        ("one byte", vec![0]),
        ("TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        ("PDF", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF".to_vec()),
        ("HTML", b"<!doctype html><html><body onload=alert(1)></body></html>".to_vec()),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>".to_vec()),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0aPK\x05\x06".to_vec()),
        ("gzip", gzip.to_vec()),
        ("ELF", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0".to_vec()),
        ("zeros", vec![0; 10_000]),
        ("ones", vec![0xff; 10_000]),
        ("text", b"three".to_vec()),
        ("UTF-16", b"\xff\xfe3\0\n\0".to_vec()),
        (
            "a multipart form",
            b"--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nabc\r\n--x--\r\n"
                .to_vec(),
        ),
    ]
}

fn predict(kind: &str, body: &[u8]) -> Vec<u8> {
    request("POST", "/api/predict", Some(kind), body)
}

fn refused(name: impl Into<String>, bytes: &[u8]) -> Case {
    Case::new(name, predict("image/png", bytes), Expected::Error(400))
}

fn too_large(name: impl Into<String>, bytes: &[u8]) -> Case {
    Case::new(name, predict("image/png", bytes), Expected::Error(413))
}

fn harmless(name: impl Into<String>, bytes: &[u8]) -> Case {
    Case::new(name, predict("image/png", bytes), Expected::Answered)
}

/// All cases with pictures.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, bytes) in foreign() {
        for kind in ["image/png", "image/jpeg"] {
            cases.push(Case::new(format!("{name} as {kind}"), predict(kind, &bytes), Expected::Error(400)));
        }
        let url = data_url("image/png", &bytes);
        cases.push(Case::new(format!("{name} in a data URL"), predict("application/json", &url), Expected::Error(400)));
    }
    cases.extend(cut_png());
    cases.extend(broken_chunks());
    cases.extend(sizes());
    cases.extend(headers());
    cases.extend(pixels());
    cases.extend(beside_the_pixels());
    cases.extend(jpeg());
    cases.extend(other_formats());
    let read: Vec<Case> = cases.iter().map(to_read).collect();
    cases.extend(read);
    cases
}

/// Case for `/api/read` with the same picture, which it must take or refuse in the same way.
fn to_read(case: &Case) -> Case {
    let rest = case.bytes.strip_prefix(b"POST /api/predict ").expect("a picture for /api/predict");
    Case { name: format!("read: {}", case.name), bytes: [b"POST /api/read ", rest].concat(), ..*case }
}

/// Pictures of other formats, blank and cut.
fn other_formats() -> Vec<Case> {
    let one_pixel = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
    let formats = [ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Pnm];
    let mut cases = Vec::new();
    for format in formats {
        let whole = http::file(DynamicImage::from(drawing(5, 1)).to_rgb8(), format);
        cases.push(harmless(format!("a {format:?}"), &whole));
        cases.push(refused(format!("half a {format:?}"), &whole[..whole.len() / 2]));
    }
    cases.push(harmless("a WebP of one pixel", one_pixel));
    cases
}

/// Chunks up to the first with pixels, with the offset of their data.
fn pixels_at(png: &[u8]) -> usize {
    png.windows(4).position(|window| window == b"IDAT").expect("pixels") + 4
}

fn cut_png() -> Vec<Case> {
    let png = drawn(5);
    let pixels = pixels_at(&png);
    let early =
        [1, 4, 7, 8, 11, 12, 16, 20, 24, 29, 32, 33, 36, pixels - 4, pixels - 1, pixels, pixels + 1, pixels + 2];
    let even = (1..16).map(|part| pixels + part * (png.len() - 60 - pixels) / 16);
    let lengths = early.into_iter().chain(even);
    lengths.map(|length| refused(format!("the first {length} bytes of a PNG"), &png[..length])).collect()
}

/// Each chunk with a wrong checksum and with wrong lengths.
fn broken_chunks() -> Vec<Case> {
    let png = drawn(5);
    let mut cases = Vec::new();
    for kind in [b"IHDR", b"IDAT"] {
        let at = png.windows(4).position(|window| window == kind).expect("a chunk");
        let name = String::from_utf8_lossy(kind);
        let length = u32::from_be_bytes([png[at - 4], png[at - 3], png[at - 2], png[at - 1]]);
        let mut changed = |words: &str, index: usize, bytes: &[u8]| {
            let mut png = png.clone();
            png[index..index + bytes.len()].copy_from_slice(bytes);
            cases.push(refused(format!("{name} {words}"), &png));
        };
        let end = at + 4 + length as usize;
        changed("with a wrong checksum", end, &[!png[end]]);
        changed("with a flipped bit", at + 6, &[png[at + 6] ^ 1]);
        changed("by another name", at, b"zzzz");
        changed("as a critical chunk that there is none of", at, b"ZZZZ");
        for wrong in [0, 1, length - 1, length + 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            changed(&format!("with the length {wrong}"), at - 4, &wrong.to_be_bytes());
        }
    }
    cases
}

/// Pictures whose header declares impossible or huge sizes, some of them truly.
fn sizes() -> Vec<Case> {
    let with_header = |width, height, bits, colour| {
        png::file(&[png::header(width, height, bits, colour), png::chunk(b"IDAT", &png::zeros(1000))])
    };
    let mut cases = Vec::new();
    for (width, height) in [(0, 0), (0, 5), (5, 0)] {
        cases.push(refused(format!("a PNG of {width}×{height}"), &with_header(width, height, 8, 0)));
    }
    let largest = i32::MAX as u32;
    for (width, height) in [
        (60_000, 60_000),
        (65_536, 1),
        (1, 65_536),
        (16_384, 8193),
        (1, largest),
        (largest, largest),
        (1, 1 << 31),
        (1 << 31, 1),
        (u32::MAX, u32::MAX),
    ] {
        for (bits, colour) in [(8, 0), (16, 6), (1, 0)] {
            let name = format!("a PNG of {width}×{height}, {bits} bits of colour type {colour}");
            cases.push(too_large(name, &with_header(width, height, bits, colour)));
        }
    }
    for (side, bits, colour, bytes) in [(4096, 8, 0, 1), (4096, 8, 2, 3), (4096, 8, 6, 4), (4096, 16, 6, 8)] {
        let name = format!("a whole blank PNG of {side}×{side}, {bits} bits of colour type {colour}");
        cases.push(harmless(name, &png::blank(side, side, bits, colour, bytes)));
    }
    for (width, height) in [(1, 1), (1, 4096), (4096, 1), (2, 3)] {
        cases.push(harmless(format!("a whole blank PNG of {width}×{height}"), &png::blank(width, height, 8, 0, 1)));
    }
    cases
}

/// IHDR chunks with undefined values.
fn headers() -> Vec<Case> {
    let pixels = png::chunk(b"IDAT", &png::zeros(10 * 11));
    let size = [0, 0, 0, 10, 0, 0, 0, 10];
    let settings = [
        ("0 bits", [0, 0, 0, 0, 0]),
        ("3 bits", [3, 0, 0, 0, 0]),
        ("32 bits", [32, 0, 0, 0, 0]),
        ("255 bits", [255, 0, 0, 0, 0]),
        ("colour type 1", [8, 1, 0, 0, 0]),
        ("colour type 5", [8, 5, 0, 0, 0]),
        ("colour type 255", [8, 255, 0, 0, 0]),
        ("1 bit of RGB", [1, 2, 0, 0, 0]),
        ("16 bits of a palette", [16, 3, 0, 0, 0]),
        ("another compression", [8, 0, 1, 0, 0]),
        ("another filter", [8, 0, 0, 1, 0]),
        ("another interlacing", [8, 0, 0, 0, 2]),
        ("a palette that is not there", [8, 3, 0, 0, 0]),
    ];
    let settings = settings.map(|(name, settings)| {
        refused(
            format!("a PNG with {name}"),
            &png::file(&[png::header_of([&size[..], &settings].concat()), pixels.clone()]),
        )
    });
    let header = png::header(10, 10, 8, 0);
    let more = [
        ("a header that is too short", vec![png::header_of(size.to_vec()), pixels.clone()]),
        ("a header that is too long", vec![png::header_of(vec![0; 100]), pixels.clone()]),
        ("an empty header", vec![png::header_of(Vec::new()), pixels.clone()]),
        ("two headers", vec![header.clone(), header.clone(), pixels.clone()]),
        ("pixels before the header", vec![pixels.clone(), header.clone()]),
        ("no header", vec![pixels]),
        ("no pixels", vec![header]),
        ("nothing but the end", vec![]),
    ];
    settings
        .into_iter()
        .chain(more.map(|(name, chunks)| refused(format!("a PNG with {name}"), &png::file(&chunks))))
        .collect()
}

/// Pixel data that do not match the header.
fn pixels() -> Vec<Case> {
    let of = |data: &[u8]| png::file(&[png::header(10, 10, 8, 0), png::chunk(b"IDAT", data)]);
    let whole = png::zlib(&[0; 110]);
    let changed = |index: usize, value: u8| {
        let mut data = whole.clone();
        data[index] = value;
        data
    };
    let filter: Vec<u8> = iter::repeat_n([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10).flatten().collect();
    let cases = [
        ("that are no zlib", of(&[0x55; 40])),
        ("that are nothing", of(&[])),
        ("of which most are missing", of(&png::zlib(&[0; 20]))),
        ("of which the last is missing", of(&png::zlib(&[0; 109]))),
        ("with zlib's window too large", of(&changed(0, 0xf8))),
        ("with zlib's header wrong", of(&changed(1, !whole[1]))),
        ("with a dictionary that nobody has", of(&[0x78, 0xbb, 0, 0, 0, 1, 3, 0])),
        ("with a reserved block", of(&[0x78, 0x01, 0x07, 0, 0])),
        ("with a filter that there is none of", of(&png::zlib(&filter))),
        ("with a reference to before the start", of(&[0x78, 0x01, 0x4b, 0x04, 0x12, 0x00])),
    ];
    cases.into_iter().map(|(name, png)| refused(format!("a PNG with pixels {name}"), &png)).collect()
}

/// Ancillary chunks that inflate to very many bytes or are garbage: they are ignored.
fn beside_the_pixels() -> Vec<Case> {
    let bomb = png::zeros(300 << 20);
    let blank = png::chunk(b"IDAT", &png::zeros(110));
    let with = |chunk: Vec<u8>| png::file(&[png::header(10, 10, 8, 0), chunk, blank.clone()]);
    let named = |name: &[u8], contents: &[u8]| [name, &[0, 0], contents].concat();
    let text = [b"key\0".as_slice(), &[1, 0, 0, 0], &bomb].concat();
    let animated = [png::chunk(b"acTL", &[0xff; 8]), png::chunk(b"fcTL", &[0xff; 26])].concat();
    vec![
        harmless("a PNG with a text that inflates to 300 MiB", &with(png::chunk(b"zTXt", &named(b"key", &bomb)))),
        harmless("a PNG with a Unicode text that inflates to 300 MiB", &with(png::chunk(b"iTXt", &text))),
        harmless(
            "a PNG with a colour profile that inflates to 300 MiB",
            &with(png::chunk(b"iCCP", &named(b"key", &bomb))),
        ),
        harmless(
            "a PNG with more pixels than it says, 300 MiB",
            &png::file(&[png::header(10, 10, 8, 0), png::chunk(b"IDAT", &bomb)]),
        ),
        harmless("a PNG with 10,000 empty chunks", &with(png::chunk(b"teXt", b"").repeat(10_000))),
        harmless("a PNG with an EXIF block of garbage", &with(png::chunk(b"eXIf", &[0xff; 100]))),
        harmless(
            "a PNG with an EXIF block that points to itself",
            &with(png::chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0")),
        ),
        harmless("a PNG with a transparent colour of the wrong length", &with(png::chunk(b"tRNS", &[1; 9]))),
        harmless("a PNG with a gamma of 0", &with(png::chunk(b"gAMA", &[0; 4]))),
        refused("a PNG that says it is animated and how wrongly", &with(animated)),
        harmless("a PNG with something behind its end", &[png::blank(10, 10, 8, 0, 1), vec![7; 1000]].concat()),
        refused("a PNG with something before its start", &[vec![0; 3], png::blank(10, 10, 8, 0, 1)].concat()),
        refused(
            "a PNG that went through a text transfer",
            &String::from_utf8_lossy(&drawn(2)).into_owned().into_bytes(),
        ),
    ]
}

fn jpeg() -> Vec<Case> {
    let jpeg = http::file(DynamicImage::from(drawing(5, 1)), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).expect("a frame");
    let scan = jpeg.windows(2).position(|window| window == [0xff, 0xda]).expect("a scan");
    let frame_length = usize::from(u16::from_be_bytes([jpeg[frame + 2], jpeg[frame + 3]]));
    let sized = |width: u16, height: u16| {
        let mut jpeg = jpeg.clone();
        jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        jpeg
    };
    let changed = |index: usize, bytes: &[u8]| {
        let mut jpeg = jpeg.clone();
        jpeg[index..index + bytes.len()].copy_from_slice(bytes);
        jpeg
    };
    let case = |name: String, bytes: &[u8], expected| Case::new(name, predict("image/jpeg", bytes), expected);
    let refused = |name: &str, bytes: &[u8]| case(format!("a JPEG {name}"), bytes, Expected::Error(400));
    let mut cases = vec![
        refused("without a frame", b"\xff\xd8\xff\xd9"),
        refused("of its first marker", b"\xff\xd8"),
        refused("of markers alone", &[0xff; 1000]),
        refused("of start markers", &[0xff, 0xd8].repeat(1000)),
        refused("of 0×0", &sized(0, 0)),
        refused("of 0 columns", &sized(0, 10)),
        refused("of 0 rows", &sized(10, 0)),
        refused("without tables", &[&jpeg[..frame + 2 + frame_length], &jpeg[scan..]].concat()),
        refused("with 0 bits", &changed(frame + 4, &[0])),
        refused("with 12 bits", &changed(frame + 4, &[12])),
        refused("with no channels", &changed(frame + 9, &[0])),
        refused("with 200 channels", &changed(frame + 9, &[200])),
        refused("with a sampling of 0", &changed(frame + 11, &[0])),
        refused("with arithmetic coding", &changed(frame + 1, &[0xc9])),
        refused("with a frame of length 0", &changed(frame + 2, &[0, 0])),
        refused("with a frame of length 65535", &changed(frame + 2, &[0xff, 0xff])),
        refused("with a scan of another channel", &changed(scan + 5, &[9])),
    ];
    for length in [3, 10, frame, frame + 3, frame + 12, scan, scan + 4] {
        cases.push(refused(&format!("of which {length} bytes came"), &jpeg[..length]));
    }
    for (width, height) in [(65535, 65535), (16_384, 8193)] {
        cases.push(case(format!("a JPEG of {width}×{height}"), &sized(width, height), Expected::Error(413)));
    }
    cases
}
