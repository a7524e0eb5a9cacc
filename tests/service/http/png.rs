//! PNG files, valid and damaged, chunk by chunk.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};

/// First eight bytes of every PNG file.
pub const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Chunk with its length and checksum.
pub fn chunk(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_be_bytes();
    [&length[..], kind, contents, &checksum(kind, contents)].concat()
}

/// Checksum of a chunk.
pub fn checksum(kind: &[u8; 4], contents: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(contents);
    crc.sum().to_be_bytes()
}

/// IHDR: size, bits a channel, colour type (0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha), not
/// interlaced.
pub fn header(width: u32, height: u32, bits: u8, colour: u8) -> Vec<u8> {
    header_of([&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, colour, 0, 0, 0]].concat())
}

/// IHDR with arbitrary contents.
pub fn header_of(contents: Vec<u8>) -> Vec<u8> {
    chunk(b"IHDR", &contents)
}

/// File of chunks, with IEND at its end.
pub fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [&SIGNATURE[..], &chunks.concat(), &chunk(b"IEND", b"")].concat()
}

/// Zlib stream of bytes.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

/// Zlib stream of many zeros, made in constant memory.
pub fn zeros(mut count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let some = [0; 1 << 16];
    while count > 0 {
        let now = count.min(some.len());
        encoder.write_all(&some[..now]).expect("writes to memory");
        count -= now;
    }
    encoder.finish().expect("writes to memory")
}

/// Valid picture of zeros, with `bytes` bytes per pixel.
pub fn blank(width: u32, height: u32, bits: u8, colour: u8, bytes: usize) -> Vec<u8> {
    let pixels = zeros(height as usize * (1 + width as usize * bytes));
    file(&[header(width, height, bits, colour), chunk(b"IDAT", &pixels)])
}
