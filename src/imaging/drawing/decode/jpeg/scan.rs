//! Scans of a JPEG picture, walked block by block without making pixels (ITU-T T.81, annexes F and G).

use super::entropy::{Bits, Fault, Huffman};

/// A component of a frame, and what its scans have brought so far.
pub(super) struct Component {
    /// Identifier in the headers of scans.
    pub(super) id: u8,
    /// Sampling factors, 1 to 4.
    pub(super) across: usize,
    /// See `across`.
    pub(super) down: usize,
    /// Number of the quantisation table.
    pub(super) table: usize,
    /// Blocks that hold pixels.
    pub(super) blocks_wide: usize,
    /// See `blocks_wide`.
    pub(super) blocks_high: usize,
    /// Blocks in a row with those that fill the last unit.
    pub(super) stride: usize,
    /// Rows of blocks with those that fill the last unit.
    pub(super) rows: usize,
    /// Lowest bit of each coefficient that has come; −1 if none has.
    pub(super) precision: [i8; 64],
    /// First coefficient of each block; empty if nobody needs them.
    pub(super) means: Vec<i16>,
    /// Coefficients of each block that are not 0, one bit each; empty unless the frame is progressive.
    nonzero: Vec<u64>,
}

/// A frame: its components in their order.
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Units of blocks in a row of an interleaved scan.
    pub(super) units_wide: usize,
    /// Rows of units.
    pub(super) units_high: usize,
    pub(super) components: Vec<Component>,
}

/// Header of a scan.
pub(super) struct Scan {
    /// Index of each component, and the numbers of its tables.
    pub(super) parts: Vec<Part>,
    /// First and last coefficient.
    pub(super) first: usize,
    /// See `first`.
    pub(super) last: usize,
    /// Lowest bit that came before; 0 in a first scan.
    pub(super) high: u8,
    /// Lowest bit that this scan brings.
    pub(super) low: u8,
}

/// Component of a scan.
pub(super) struct Part {
    pub(super) component: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// Huffman tables by their numbers.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
}

/// Coding of the blocks of a scan.
#[derive(Clone, Copy)]
enum Coding {
    Sequential,
    FirstMean,
    MeanBit,
    FirstCoefficients,
    CoefficientBits,
}

/// State carried from block to block, up to a restart.
#[derive(Default)]
struct Carried {
    means: [i32; 4],
    /// Blocks that have no further coefficients.
    empty_blocks: u32,
}

impl Frame {
    /// Lays out the blocks of components given as identifier, sampling factors and quantisation table.
    pub(super) fn new(
        progressive: bool,
        (width, height): (usize, usize),
        components: &[(u8, usize, usize, usize)],
        keeps_means: bool,
    ) -> Self {
        let across = components.iter().map(|component| component.1).max().unwrap_or(1);
        let down = components.iter().map(|component| component.2).max().unwrap_or(1);
        let (units_wide, units_high) = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        let components = components
            .iter()
            .map(|&(id, own_across, own_down, table)| {
                let (stride, rows) = (units_wide * own_across, units_high * own_down);
                Component {
                    id,
                    across: own_across,
                    down: own_down,
                    table,
                    blocks_wide: (width * own_across).div_ceil(8 * across),
                    blocks_high: (height * own_down).div_ceil(8 * down),
                    stride,
                    rows,
                    precision: [-1; 64],
                    means: if keeps_means { vec![0; stride * rows] } else { Vec::new() },
                    nonzero: if progressive { vec![0; stride * rows] } else { Vec::new() },
                }
            })
            .collect();
        Self { progressive, width, height, units_wide, units_high, components }
    }

    /// Number of units of a scan: of one block each if it has one component.
    pub(super) fn units(&self, scan: &Scan) -> usize {
        match &scan.parts[..] {
            [part] => {
                let component = &self.components[part.component];
                component.blocks_wide * component.blocks_high
            }
            _ => self.units_wide * self.units_high,
        }
    }

    /// Walks the blocks of a scan, with a restart marker after every `interval` units unless that is 0.
    ///
    /// # Errors
    /// Damage, with the number of units before it.
    pub(super) fn walk(
        &mut self,
        scan: &Scan,
        tables: &Tables,
        interval: usize,
        bits: &mut Bits,
    ) -> Result<(), (Fault, usize)> {
        let coding = match (self.progressive, scan.first, scan.high) {
            (false, ..) => Coding::Sequential,
            (true, 0, 0) => Coding::FirstMean,
            (true, 0, _) => Coding::MeanBit,
            (true, _, 0) => Coding::FirstCoefficients,
            (true, ..) => Coding::CoefficientBits,
        };
        let mut carried = Carried::default();
        let (mut restarts, mut until_restart) = (0, interval);
        let single = match &scan.parts[..] {
            [part] => Some((self.components[part.component].blocks_wide, self.components[part.component].stride)),
            _ => None,
        };
        let wide = single.map_or(self.units_wide, |(wide, _)| wide);
        let (mut x, mut y) = (0, 0);
        for unit in 0..self.units(scan) {
            if interval > 0 {
                if until_restart == 0 {
                    bits.restart(restarts).map_err(|fault| (fault, unit))?;
                    restarts = (restarts + 1) % 8;
                    until_restart = interval;
                    carried = Carried::default();
                }
                until_restart -= 1;
            }
            if let Some((_, stride)) = single {
                self.block(coding, scan, 0, y * stride + x, tables, &mut carried, bits)
                    .map_err(|fault| (fault, unit))?;
            } else {
                for (index, part) in scan.parts.iter().enumerate() {
                    let Component { across, down, stride, .. } = self.components[part.component];
                    for row in 0..down {
                        for column in 0..across {
                            let at = (y * down + row) * stride + x * across + column;
                            self.block(coding, scan, index, at, tables, &mut carried, bits)
                                .map_err(|fault| (fault, unit))?;
                        }
                    }
                }
            }
            x += 1;
            if x == wide {
                (x, y) = (0, y + 1);
            }
        }
        for part in &scan.parts {
            self.components[part.component].precision[scan.first..=scan.last].fill(scan.low as i8);
        }
        Ok(())
    }

    /// Walks block `at` of a part of a scan.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "it is the body of the loops above")]
    fn block(
        &mut self,
        coding: Coding,
        scan: &Scan,
        index: usize,
        at: usize,
        tables: &Tables,
        carried: &mut Carried,
        bits: &mut Bits,
    ) -> Result<(), Fault> {
        let part = &scan.parts[index];
        let component = &mut self.components[part.component];
        let dc = || tables.dc[part.dc].as_ref().ok_or(Fault::InvalidCode);
        let ac = || tables.ac[part.ac].as_ref().ok_or(Fault::InvalidCode);
        match coding {
            Coding::Sequential => {
                carried.means[index] = carried.means[index].wrapping_add(difference(bits, dc()?)?);
                if let Some(mean) = component.means.get_mut(at) {
                    *mean = carried.means[index] as i16;
                }
                coefficients(bits, ac()?)
            }
            Coding::FirstMean => {
                carried.means[index] = carried.means[index].wrapping_add(difference(bits, dc()?)?);
                if let Some(mean) = component.means.get_mut(at) {
                    *mean = (carried.means[index] << scan.low) as i16;
                }
                Ok(())
            }
            Coding::MeanBit => {
                let bit = bits.take(1)?;
                if let Some(mean) = component.means.get_mut(at) {
                    *mean |= (bit << scan.low) as i16;
                }
                Ok(())
            }
            Coding::FirstCoefficients => {
                if carried.empty_blocks > 0 {
                    carried.empty_blocks -= 1;
                    return Ok(());
                }
                first_coefficients(bits, ac()?, scan, &mut component.nonzero[at], &mut carried.empty_blocks)
            }
            Coding::CoefficientBits => {
                coefficient_bits(bits, ac()?, scan, &mut component.nonzero[at], &mut carried.empty_blocks)
            }
        }
    }
}

/// Difference of a block's mean from the one before.
#[inline]
fn difference(bits: &mut Bits, table: &Huffman) -> Result<i32, Fault> {
    let length = u32::from(bits.symbol(table)?);
    if length > 16 {
        return Err(Fault::InvalidCode);
    }
    let value = bits.take(length)? as i32;
    // Values whose first bit is 0 are negative.
    Ok(if length > 0 && value < 1 << (length - 1) { value - (1 << length) + 1 } else { value })
}

/// All other coefficients of a block.
#[inline]
fn coefficients(bits: &mut Bits, table: &Huffman) -> Result<(), Fault> {
    let mut at = 1;
    while at < 64 {
        let symbol = bits.symbol(table)?;
        let (run, length) = (symbol >> 4, symbol & 15);
        if length == 0 && run < 15 {
            return Ok(());
        }
        at += u32::from(run) + 1;
        if at > 64 {
            return Err(Fault::TooManyCoefficients);
        }
        bits.take(u32::from(length))?;
    }
    Ok(())
}

/// The highest bits of some coefficients of a block.
fn first_coefficients(
    bits: &mut Bits,
    table: &Huffman,
    scan: &Scan,
    nonzero: &mut u64,
    empty_blocks: &mut u32,
) -> Result<(), Fault> {
    let mut at = scan.first;
    while at <= scan.last {
        let symbol = bits.symbol(table)?;
        let (run, length) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if length == 0 && run < 15 {
            *empty_blocks = (1 << run) + bits.take(run)? - 1;
            return Ok(());
        }
        at += run as usize;
        if at > scan.last {
            return Err(Fault::TooManyCoefficients);
        }
        if length > 0 {
            bits.take(length)?;
            *nonzero |= 1 << at;
        }
        at += 1;
    }
    Ok(())
}

/// One further bit of those coefficients of a block that are not 0, and coefficients that begin with this bit.
fn coefficient_bits(
    bits: &mut Bits,
    table: &Huffman,
    scan: &Scan,
    nonzero: &mut u64,
    empty_blocks: &mut u32,
) -> Result<(), Fault> {
    let up_to_last = u64::MAX >> (63 - scan.last);
    let before = *nonzero & up_to_last;
    let mut at = scan.first;
    if *empty_blocks == 0 {
        while at <= scan.last {
            let symbol = bits.symbol(table)?;
            let (mut run, length) = (u32::from(symbol >> 4), symbol & 15);
            if length == 0 && run < 15 {
                *empty_blocks = (1 << run) + bits.take(run)?;
                break;
            }
            if length > 1 {
                return Err(Fault::InvalidCode);
            }
            bits.take(u32::from(length))?;
            // Over `run` coefficients that are 0, and a bit for each of the others on the way.
            while at <= scan.last {
                if before >> at & 1 == 1 {
                    bits.take(1)?;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                at += 1;
            }
            if length == 1 {
                if at > scan.last {
                    return Err(Fault::TooManyCoefficients);
                }
                *nonzero |= 1 << at;
            }
            at += 1;
        }
    }
    if *empty_blocks > 0 {
        if at <= scan.last {
            bits.skip((before >> at).count_ones())?;
        }
        *empty_blocks -= 1;
    }
    Ok(())
}
