//! Walks the segments of a JPEG file (ITU-T T.81, annex B).

use super::{
    super::{super::error::DrawingError, check_size, reduce::Detail},
    LARGE_PAGE, LARGE_SIDE,
    entropy::{Bits, Fault, Huffman},
    scan::{Frame, Part, Scan, Tables},
};
use crate::imaging::drawing::error::MAX_PIXELS;

/// Maximum number of scans: progressive files have about ten.
const MAX_SCANS: usize = 256;
/// Bytes behind the last block of a scan, as some cameras write them: so many, or the scan's bytes divided by so many.
const MAX_LEFT: (usize, usize) = (512, 8);

/// State of the walk.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    detail: Detail,
    at: usize,
    header: Option<Header>,
    tables: Tables,
    /// First factor of each quantisation table.
    pub(super) quantisation: [Option<u16>; 4],
    interval: usize,
    /// Components with what their scans brought.
    pub(super) frame: Option<Frame>,
    scans: usize,
    /// Colour transform that Adobe's segment names.
    pub(super) adobe: Option<u8>,
    /// EXIF block.
    pub(super) exif: Option<&'a [u8]>,
    ended: bool,
}

/// Header of a frame.
pub(super) struct Header {
    pub(super) progressive: bool,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Identifier, sampling factors and quantisation table of each component.
    pub(super) components: Vec<(u8, usize, usize, usize)>,
}

impl Header {
    /// True if the picture is made at an eighth of its size.
    pub(super) fn is_large(&self, detail: Detail) -> bool {
        match detail {
            Detail::Digit => self.width.max(self.height) >= LARGE_SIDE,
            Detail::Page => self.width * self.height > LARGE_PAGE,
        }
    }
}

/// Reason to end the walk.
pub(super) enum Stop {
    Refused(DrawingError),
    /// A kind of coding that is not walked, nor decoded.
    NotWalked,
}

fn damaged(problem: impl Into<String>) -> Stop {
    Stop::Refused(DrawingError::damaged("JPEG", problem))
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], detail: Detail) -> Self {
        Self {
            bytes,
            detail,
            at: 2,
            header: None,
            tables: Tables::default(),
            quantisation: [None; 4],
            interval: 0,
            frame: None,
            scans: 0,
            adobe: None,
            exif: None,
            ended: false,
        }
    }

    /// The header of the frame, if there is one before the first scan.
    pub(super) fn header(&mut self) -> Option<&Header> {
        while self.header.is_none() {
            match self.marker()? {
                0xda | 0xd9 => return None,
                marker => self.segment_of(marker).ok()?,
            }
        }
        self.header.as_ref()
    }

    /// Walks the whole file.
    pub(super) fn run(&mut self) -> Result<(), Stop> {
        while let Some(marker) = self.marker() {
            match marker {
                0xd9 => {
                    self.ended = true;
                    break;
                }
                0xda => self.scan()?,
                _ => self.segment_of(marker)?,
            }
        }
        self.check_complete()
    }

    /// Goes behind the next marker; `None` at the end of the file.
    fn marker(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        let found = rest.windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0 && pair[1] != 0xff)?;
        self.at += found + 2;
        Some(rest[found + 1])
    }

    /// Goes behind the segment of a marker and returns its contents.
    fn segment(&mut self, marker: u8) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let length = rest.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
        match length {
            Some(0 | 1) => Err(damaged(format!("the segment of the marker {marker:02x} has no length"))),
            Some(length) if length <= rest.len() => {
                self.at += length;
                Ok(&rest[2..length])
            }
            _ => Err(damaged(format!("it ends early, in the segment of the marker {marker:02x}"))),
        }
    }

    fn segment_of(&mut self, marker: u8) -> Result<(), Stop> {
        match marker {
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => Ok(()),
            0xc4 => self.huffman_tables(),
            0xdb => self.quantisation_tables(),
            0xdd => match self.segment(marker)? {
                [high, low] => {
                    self.interval = usize::from(u16::from_be_bytes([*high, *low]));
                    Ok(())
                }
                _ => Err(damaged("the restart interval has a wrong length")),
            },
            0xc0..=0xc2 => self.frame_header(marker),
            // Lossless and hierarchical pictures, and arithmetic coding.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcf => Err(Stop::NotWalked),
            _ => {
                let segment = self.segment(marker)?;
                if marker == 0xe1 && self.exif.is_none() {
                    self.exif = segment.strip_prefix(b"Exif\0\0");
                }
                if let (0xee, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) = (marker, segment) {
                    self.adobe = Some(*transform);
                }
                Ok(())
            }
        }
    }

    fn huffman_tables(&mut self) -> Result<(), Stop> {
        let mut rest = self.segment(0xc4)?;
        while let Some((&kind, after)) = rest.split_first() {
            let table = after.split_first_chunk::<16>().and_then(|(counts, after)| {
                let symbols = counts.iter().map(|&count| usize::from(count)).sum();
                let symbols = after.get(..symbols)?;
                Some((Huffman::new(counts, symbols)?, &after[symbols.len()..]))
            });
            let Some((table, after)) = table.filter(|_| kind & 0xef < 4) else {
                return Err(damaged("a Huffman table is wrong"));
            };
            let tables = if kind < 16 { &mut self.tables.dc } else { &mut self.tables.ac };
            tables[usize::from(kind & 3)] = Some(table);
            rest = after;
        }
        Ok(())
    }

    fn quantisation_tables(&mut self) -> Result<(), Stop> {
        let mut rest = self.segment(0xdb)?;
        while let Some((&kind, after)) = rest.split_first() {
            let wide = kind >> 4;
            let length = 64 << wide.min(1);
            if wide > 1 || kind & 15 > 3 || after.len() < length {
                return Err(damaged("a quantisation table is wrong"));
            }
            let first = if wide == 0 { u16::from(after[0]) } else { u16::from_be_bytes([after[0], after[1]]) };
            self.quantisation[usize::from(kind & 3)] = Some(first);
            rest = &after[length..];
        }
        Ok(())
    }

    fn frame_header(&mut self, marker: u8) -> Result<(), Stop> {
        let segment = self.segment(marker)?;
        if self.header.is_some() {
            return Err(damaged("it has two frames"));
        }
        let [bits, y1, y0, x1, x0, count, components @ ..] = segment else {
            return Err(damaged("the header of the frame is too short"));
        };
        let (width, height) = (u16::from_be_bytes([*x1, *x0]), u16::from_be_bytes([*y1, *y0]));
        // The decoder refuses other numbers of bits and components, and pictures whose height comes later.
        if *bits != 8 || !matches!(count, 1 | 3 | 4) || width == 0 || height == 0 {
            return Err(Stop::NotWalked);
        }
        let mut list = Vec::new();
        for part in components.chunks_exact(3).take(usize::from(*count)) {
            let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || part[2] > 3 {
                return Err(damaged(format!("component {} is sampled {across}×{down} times", part[0])));
            }
            list.push((part[0], across, down, usize::from(part[2])));
        }
        if list.len() != usize::from(*count) {
            return Err(damaged("the header of the frame is too short"));
        }
        check_size((width.into(), height.into()), MAX_PIXELS).map_err(Stop::Refused)?;
        let (width, height) = (width.into(), height.into());
        self.header = Some(Header { progressive: marker == 0xc2, width, height, components: list });
        Ok(())
    }

    fn scan(&mut self) -> Result<(), Stop> {
        let segment = self.segment(0xda)?;
        let Some(header) = &self.header else {
            return Err(damaged("a scan comes before the header of the frame"));
        };
        let frame = self.frame.get_or_insert_with(|| {
            Frame::new(
                header.progressive,
                (header.width, header.height),
                &header.components,
                header.is_large(self.detail),
            )
        });
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return Err(damaged(format!("it has over {MAX_SCANS} scans")));
        }
        let scan = scan_header(frame, segment)?;
        let mut bits = Bits::new(self.bytes, self.at);
        let begin = self.at;
        frame.walk(&scan, &self.tables, self.interval, &mut bits).map_err(|(fault, unit)| {
            let (number, units) = (self.scans, frame.units(&scan));
            let share = 100 * unit / units.max(1);
            damaged(match fault {
                Fault::EndsEarly => format!("it ends early, after {share} % of scan {number}"),
                Fault::InvalidCode => format!("an invalid code after {share} % of scan {number}"),
                Fault::TooManyCoefficients => format!("a block has too much after {share} % of scan {number}"),
                Fault::MissingRestart => format!("a restart marker is missing after {share} % of scan {number}"),
            })
        })?;
        let (end, left) = bits.end();
        if left > MAX_LEFT.0.max((end - begin) / MAX_LEFT.1) {
            return Err(damaged(format!("scan {} goes on behind its last block, by {left} bytes", self.scans)));
        }
        self.at = end;
        Ok(())
    }

    /// Checks that every component came. Without an end marker, scans may be missing that would have refined it.
    fn check_complete(&self) -> Result<(), Stop> {
        let Some(frame) = &self.frame else {
            return Err(damaged("it ends early, before any pixels"));
        };
        let of_component = |index: usize| &frame.components[index].precision;
        for index in 0..frame.components.len() {
            let missing = match (self.ended, frame.progressive) {
                (true, true) => of_component(index)[0] < 0,
                _ => of_component(index).iter().any(|&lowest| lowest != 0),
            };
            if missing {
                return Err(damaged(format!(
                    "it ends early, after {} scans: component {} is not complete",
                    self.scans, frame.components[index].id
                )));
            }
        }
        Ok(())
    }
}

/// Parses and checks the header of a scan.
fn scan_header(frame: &Frame, segment: &[u8]) -> Result<Scan, Stop> {
    let wrong = |problem: &str| damaged(format!("the header of a scan is wrong: {problem}"));
    let Some((&count, rest)) = segment.split_first() else { return Err(wrong("it is empty")) };
    let Some((list, [first, last, bits])) = rest.split_at_checked(2 * usize::from(count)) else {
        return Err(wrong("its length"));
    };
    let mut parts = Vec::new();
    for pair in list.chunks_exact(2) {
        let Some(component) = frame.components.iter().position(|component| component.id == pair[0]) else {
            return Err(wrong(&format!("there is no component {}", pair[0])));
        };
        if parts.iter().any(|part: &Part| part.component == component) || pair[1] >> 4 > 3 || pair[1] & 15 > 3 {
            return Err(wrong(&format!("its component {}", pair[0])));
        }
        parts.push(Part { component, dc: usize::from(pair[1] >> 4), ac: usize::from(pair[1] & 15) });
    }
    if parts.is_empty() || parts.len() > 4 {
        return Err(wrong("it has no components"));
    }
    let (first, last) = (usize::from(*first), usize::from(*last));
    let (high, low) = (bits >> 4, bits & 15);
    if !frame.progressive {
        // Some encoders leave the other fields at 0.
        return Ok(Scan { parts, first: 0, last: 63, high: 0, low: 0 });
    }
    let fits = match first {
        0 => last == 0,
        _ => first <= last && last < 64 && parts.len() == 1,
    };
    if !fits || low > 13 || (high != 0 && high != low + 1) {
        return Err(wrong(&format!("coefficients {first} to {last}, bits {high} to {low}")));
    }
    Ok(Scan { parts, first, last, high, low })
}
