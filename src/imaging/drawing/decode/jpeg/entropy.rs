//! Entropy-coded segments: bits and Huffman codes (ITU-T T.81, annex F).

/// Damage of an entropy-coded segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bits end, at a marker or with the file.
    EndsEarly,
    /// No Huffman code begins with these bits.
    InvalidCode,
    /// A block has coefficients past its last.
    TooManyCoefficients,
    /// Another marker, or none, stands where a restart marker is due.
    MissingRestart,
}

/// Bits of an entropy-coded segment, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits that were fetched, from the highest.
    buffer: u64,
    count: u32,
}

/// Bits of a code that are looked up at once.
const FAST: u32 = 9;

/// Huffman codes of a table.
pub(super) struct Huffman {
    /// Length and symbol by the first [`FAST`] bits; a length of 0 for longer codes.
    fast: [(u8, u8); 1 << FAST],
    /// The first value of 16 bits above the codes of each length.
    limits: [u32; 17],
    /// Index of a symbol minus its code, for each length.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Builds the codes from the number of symbols of each length; `None` if there are more than fit.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table =
            Self { fast: [(0, 0); 1 << FAST], limits: [0; 17], offsets: [0; 17], symbols: symbols.to_vec() };
        let (mut code, mut index) = (0u32, 0usize);
        for length in 1..=16 {
            let count = u32::from(counts[length - 1]);
            table.offsets[length] = index as i32 - code as i32;
            for _ in 0..count {
                if code >= 1 << length {
                    return None;
                }
                if length as u32 <= FAST {
                    let spread = FAST - length as u32;
                    let start = (code << spread) as usize;
                    table.fast[start..start + (1 << spread)].fill((length as u8, *symbols.get(index)?));
                }
                code += 1;
                index += 1;
            }
            table.limits[length] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }
}

/// True if one of four bytes is 255.
fn has_ff(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, count: 0 }
    }

    /// Fetches bytes until there are over 32 bits, or the segment ends.
    #[inline]
    fn fetch(&mut self) {
        while self.count <= 32 {
            if let Some(four) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
                let word = u32::from_be_bytes(*four);
                if !has_ff(word) {
                    self.buffer |= u64::from(word) << (32 - self.count);
                    self.count += 32;
                    self.at += 4;
                    return;
                }
            }
            let length = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xff), Some(0)) => 2,
                (Some(0xff), _) | (None, _) => return,
                _ => 1,
            };
            self.buffer |= u64::from(self.bytes[self.at]) << (56 - self.count);
            self.count += 8;
            self.at += length;
        }
    }

    /// Takes at most 16 bits.
    #[inline]
    pub(super) fn take(&mut self, length: u32) -> Result<u32, Fault> {
        if self.count < length {
            self.fetch();
            if self.count < length {
                return Err(Fault::EndsEarly);
            }
        }
        // Two shifts, because none may be by 64.
        let value = (self.buffer >> 1 >> (63 - length)) as u32;
        self.buffer <<= length;
        self.count -= length;
        Ok(value)
    }

    /// Takes any number of bits and forgets them.
    pub(super) fn skip(&mut self, mut length: u32) -> Result<(), Fault> {
        while length > 16 {
            self.take(16)?;
            length -= 16;
        }
        self.take(length).map(|_| ())
    }

    /// Takes a Huffman code and returns its symbol.
    #[inline]
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, Fault> {
        if self.count < 16 {
            self.fetch();
        }
        let (length, symbol) = table.fast[(self.buffer >> (64 - FAST)) as usize];
        let (length, symbol) = match length {
            0 => self.long_symbol(table)?,
            _ => (u32::from(length), symbol),
        };
        if length > self.count {
            return Err(Fault::EndsEarly);
        }
        self.buffer <<= length;
        self.count -= length;
        Ok(symbol)
    }

    #[cold]
    fn long_symbol(&self, table: &Huffman) -> Result<(u32, u8), Fault> {
        let bits = (self.buffer >> 48) as u32;
        let found = (FAST as usize + 1..=16).find(|&length| bits < table.limits[length]).and_then(|length| {
            let index = (bits >> (16 - length)) as i32 + table.offsets[length];
            Some((length as u32, *table.symbols.get(usize::try_from(index).ok()?)?))
        });
        found.ok_or(if self.count < 16 { Fault::EndsEarly } else { Fault::InvalidCode })
    }

    /// Forgets the rest of the segment and returns the position of the marker behind it, or the end of the file, with
    /// the number of whole bytes that were left.
    pub(super) fn end(&mut self) -> (usize, usize) {
        let mut left = (self.count / 8) as usize;
        self.buffer = 0;
        self.count = 0;
        let rest = &self.bytes[self.at..];
        let is_marker = |pair: &[u8]| pair[0] == 0xff && pair[1] != 0 && pair[1] != 0xff;
        // The last byte may be the first of a marker.
        let next = rest.windows(2).position(is_marker).unwrap_or(rest.len());
        left += rest[..next].iter().filter(|&&byte| byte != 0xff).count();
        self.at += next;
        (self.at, left)
    }

    /// Goes behind the restart marker of a number, 0 to 7.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Fault> {
        let (at, _) = self.end();
        match self.bytes.get(at + 1) {
            Some(&marker) if marker == 0xd0 + number => {
                self.at = at + 2;
                Ok(())
            }
            Some(marker) if *marker != 0xd9 => Err(Fault::MissingRestart),
            _ => Err(Fault::EndsEarly),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_of_all_lengths_are_found() {
        // One code of each length: 0, 10, 110, …
        let table = Huffman::new(&[1; 16], &std::array::from_fn::<u8, 16, _>(|index| index as u8)).unwrap();
        for length in 1..=16u32 {
            let code = ((1u32 << length) - 2) << (32 - length);
            // Behind 255 a 0 is stuffed.
            let stuffed: Vec<u8> = code
                .to_be_bytes()
                .into_iter()
                .flat_map(|byte| std::iter::once(byte).chain((byte == 255).then_some(0)))
                .collect();
            let mut bits = Bits::new(&stuffed, 0);
            assert_eq!(bits.symbol(&table), Ok(length as u8 - 1), "{length}");
            assert_eq!(bits.take(16 - length.min(15)), Ok(0));
        }
        let mut bits = Bits::new(&[0xff, 0, 0xff, 0], 0);
        assert_eq!(bits.symbol(&table), Err(Fault::InvalidCode));
        assert!(Huffman::new(&[3; 16], &[0; 48]).is_none());
    }

    proptest! {
        #[test]
        fn bits_come_in_order_up_to_the_marker(values in proptest::collection::vec(any::<u8>(), 0..60), split in 1u32..16) {
            let mut bytes: Vec<u8> =
                values.iter().flat_map(|&byte| std::iter::once(byte).chain((byte == 255).then_some(0))).collect();
            bytes.extend([0xff, 0xd9, 1, 2, 3, 4]);
            let mut bits = Bits::new(&bytes, 0);
            let mut expected = values.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
            while let Ok(value) = bits.take(split) {
                let own = (0..split).fold(0, |value, _| 2 * value + expected.next().unwrap_or(9));
                prop_assert_eq!(value, own);
            }
            prop_assert!(expected.count() < split as usize);
            prop_assert_eq!(bits.end().0, bytes.len() - 6);
        }
    }
}
