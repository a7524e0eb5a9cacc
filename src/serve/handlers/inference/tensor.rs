//! Tensor of images in an inference request.

use std::fmt;

use half::f16;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, SeqAccess, Visitor},
};
use utoipa::ToSchema;

use super::super::super::{
    grey::{self, Scale},
    problem::{Problem, shortened},
};
use crate::data::{PIXELS, SIDE};

/// Input tensor, its numbers in row-major order: in `data`, nested or flat, or as bytes behind the JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InputTensor {
    /// `images`.
    name: String,
    /// `[n, 28, 28]`, `[n, 1, 28, 28]`, `[n, 28, 28, 1]` or `[n, 784]`.
    shape: Vec<u64>,
    /// Whole numbers (`UINT8` to `UINT64`, `INT8` to `INT64`) from 0 to 255, or fractions (`FP16`, `FP32`, `FP64`) from
    /// 0 to 1 or from 0 to 255.
    datatype: String,
    /// Parameters of the tensor.
    parameters: Option<InputParameters>,
    /// Levels, 0 = background; absent if they are sent as bytes.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    data: Option<Numbers>,
}

/// Parameters of an input tensor; there are no others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputParameters {
    /// Number of bytes behind the JSON that are the tensor, little-endian.
    binary_data_size: Option<usize>,
}

/// Numbers of a nested array, in order.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<f32>);

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Datatype {
    Unsigned(usize),
    Signed(usize),
    Fraction(usize),
}

impl Datatype {
    /// Names, with their types; the number is that of bytes an element.
    const ALL: [(&str, Self); 11] = [
        ("UINT8", Self::Unsigned(1)),
        ("UINT16", Self::Unsigned(2)),
        ("UINT32", Self::Unsigned(4)),
        ("UINT64", Self::Unsigned(8)),
        ("INT8", Self::Signed(1)),
        ("INT16", Self::Signed(2)),
        ("INT32", Self::Signed(4)),
        ("INT64", Self::Signed(8)),
        ("FP16", Self::Fraction(2)),
        ("FP32", Self::Fraction(4)),
        ("FP64", Self::Fraction(8)),
    ];

    fn of(name: &str) -> Result<Self, Problem> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|&(_, datatype)| datatype).ok_or_else(|| {
            let found = shortened(name, 40);
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            Problem::bad_request(format!("images: found the datatype `{found}`, expected one of {names}"))
        })
    }

    /// Bytes an element.
    fn size(self) -> usize {
        match self {
            Self::Unsigned(size) | Self::Signed(size) | Self::Fraction(size) => size,
        }
    }

    /// Number in little-endian bytes.
    fn number(self, bytes: &[u8]) -> f32 {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let unused = 64 - 8 * bytes.len() as u32;
        match self {
            Self::Unsigned(_) => u64::from_le_bytes(eight) as f32,
            // Shifted up and down again, the sign bit fills what is unused.
            Self::Signed(_) => ((i64::from_le_bytes(eight) << unused) >> unused) as f32,
            Self::Fraction(2) => f16::from_le_bytes([eight[0], eight[1]]).to_f32(),
            Self::Fraction(4) => f32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]]),
            Self::Fraction(_) => f64::from_le_bytes(eight) as f32,
        }
    }
}

impl InputTensor {
    /// Images of the tensor. `bytes` follow the JSON.
    ///
    /// # Errors
    /// 400 naming the field that is wrong.
    pub(super) fn images(&self, bytes: &[u8]) -> Result<Vec<[u8; PIXELS]>, Problem> {
        let bad = |message: String| Err(Problem::bad_request(message));
        if self.name != "images" {
            return bad(format!("inputs: found `{}`, expected `images`", shortened(&self.name, 40)));
        }
        let count = self.count()?;
        if count == 0 {
            return bad("images: found none, expected at least one".to_owned());
        }
        let datatype = Datatype::of(&self.datatype)?;
        let announced = self.parameters.as_ref().and_then(|parameters| parameters.binary_data_size);
        let of_bytes;
        let numbers = match (&self.data, announced) {
            (Some(Numbers(numbers)), None) if bytes.is_empty() => numbers,
            (Some(_), None) => {
                return bad(format!("found {} bytes behind the JSON, but no `binary_data_size`", bytes.len()));
            }
            (Some(_), Some(_)) => {
                return bad("images: found both `data` and `binary_data_size`, expected one of them".to_owned());
            }
            (None, None) => return bad("images: found no `data`".to_owned()),
            (None, Some(size)) if size != bytes.len() => {
                let found = bytes.len();
                return bad(format!("images: binary_data_size is {size}, but {found} bytes follow the JSON"));
            }
            (None, Some(size)) if size % datatype.size() != 0 => {
                let (name, one) = (&self.datatype, datatype.size());
                return bad(format!("images: {size} bytes are no whole number of {name}, of {one} bytes each"));
            }
            (None, Some(_)) => {
                let numbers = bytes.chunks_exact(datatype.size()).map(|bytes| datatype.number(bytes));
                of_bytes = numbers.collect::<Vec<f32>>();
                &of_bytes
            }
        };
        if !numbers.len().is_multiple_of(PIXELS) || (numbers.len() / PIXELS) as u64 != count {
            let found = numbers.len();
            return bad(format!("images: found {found} numbers; the shape requires {count} images of {PIXELS}"));
        }
        images(numbers, datatype)
    }

    /// Number of images by the shape.
    fn count(&self) -> Result<u64, Problem> {
        let side = SIDE as u64;
        match self.shape[..] {
            [count, pixels] if pixels == PIXELS as u64 => Ok(count),
            [count, height, width] if (height, width) == (side, side) => Ok(count),
            [count, 1, height, width] | [count, height, width, 1] if (height, width) == (side, side) => Ok(count),
            _ => {
                let found = &self.shape[..self.shape.len().min(8)];
                let message = format!("images: found the shape {found:?}, expected [n, 28, 28] or [n, 784]");
                Err(Problem::bad_request(message))
            }
        }
    }
}

/// Images of whole numbers from 0 to 255, or of fractions in the scale that the greatest of them shows.
fn images(numbers: &[f32], datatype: Datatype) -> Result<Vec<[u8; PIXELS]>, Problem> {
    let is_fraction = matches!(datatype, Datatype::Fraction(_));
    let wrong = |number: &&f32| !(0.0..=255.0).contains(*number) || !(is_fraction || number.fract() == 0.0);
    if let Some(index) = numbers.iter().position(|number| wrong(&number)) {
        let found = numbers[index];
        let expected = if is_fraction { "a number from 0 to 1 or 255" } else { "a whole number from 0 to 255" };
        return Err(Problem::bad_request(format!("images: number {index} is {found}, expected {expected}")));
    }
    let scale = if is_fraction {
        let scale = grey::scale(numbers.iter().map(|&number| f64::from(number)));
        scale.map_err(|error| Problem::bad_request(format!("images: {error}")))?
    } else {
        Scale::Byte
    };
    let (images, _) = numbers.as_chunks::<PIXELS>();
    Ok(images.iter().map(|image| image.map(|number| scale.level(f64::from(number)))).collect())
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Vec::new();
        // Only a whole tensor may be a number by itself: its numbers stand in an array.
        deserializer.deserialize_seq(Nested(&mut numbers))?;
        Ok(Self(numbers))
    }
}

/// Appends the numbers of a number or of a nested array.
struct Nested<'a>(&'a mut Vec<f32>);

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a number or an array of numbers")
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.push(number as f32);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.push(number as f32);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.push(number as f32);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Nested(self.0))?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tensor(datatype: &str, shape: &[u64], data: Option<Vec<f32>>, size: Option<usize>) -> InputTensor {
        InputTensor {
            name: "images".to_owned(),
            shape: shape.to_vec(),
            datatype: datatype.to_owned(),
            parameters: size.map(|size| InputParameters { binary_data_size: Some(size) }),
            data: data.map(Numbers),
        }
    }

    /// Little-endian bytes of levels, fractions divided by `full`.
    fn bytes(levels: &[u8], datatype: &str, full: f64) -> Vec<u8> {
        let of = |&level: &u8| -> Vec<u8> {
            let fraction = f64::from(level) / full;
            match datatype {
                "UINT8" | "INT8" => vec![level],
                "UINT16" | "INT16" => u16::from(level).to_le_bytes().to_vec(),
                "UINT32" | "INT32" => u32::from(level).to_le_bytes().to_vec(),
                "UINT64" | "INT64" => u64::from(level).to_le_bytes().to_vec(),
                "FP16" => f16::from_f64(fraction).to_le_bytes().to_vec(),
                "FP32" => (fraction as f32).to_le_bytes().to_vec(),
                _ => fraction.to_le_bytes().to_vec(),
            }
        };
        levels.iter().flat_map(of).collect()
    }

    proptest! {
        #[test]
        fn every_datatype_gives_the_same_images(levels in proptest::collection::vec(0u8..128, 2 * PIXELS), ink in 2u8..128) {
            let mut levels = levels;
            levels[0] = ink;
            let (expected, _) = levels.as_chunks::<PIXELS>();
            for (name, datatype) in Datatype::ALL {
                for full in [1.0, 255.0] {
                    if full == 255.0 && !matches!(datatype, Datatype::Fraction(_)) {
                        continue;
                    }
                    let bytes = bytes(&levels, name, full);
                    let tensor = tensor(name, &[2, 28, 28], None, Some(bytes.len()));
                    prop_assert_eq!(&tensor.images(&bytes).unwrap(), expected, "{} of {}", name, full);
                    prop_assert!(tensor.images(&bytes[1..]).is_err() && tensor.images(&[]).is_err());
                }
            }
        }

        #[test]
        fn any_bytes_are_images_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            shape in proptest::collection::vec(0u64..800, 0..5),
            which in 0..Datatype::ALL.len(),
        ) {
            let _ = tensor(Datatype::ALL[which].0, &shape, None, Some(bytes.len())).images(&bytes);
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        for (datatype, number, words) in [
            ("INT32", -1.0, "number 3 is -1"),
            ("UINT64", 256.0, "number 3 is 256"),
            ("INT64", 0.5, "a whole number"),
            ("FP32", 255.5, "number 3 is 255.5"),
            ("FP64", f32::NAN, "NaN"),
            ("FP16", f32::INFINITY, "inf"),
            ("FP32", 1.5, "the greatest number is 1.5"),
        ] {
            let mut numbers = vec![0.0; PIXELS];
            numbers[3] = number;
            let problem = tensor(datatype, &[1, 784], Some(numbers), None).images(&[]).unwrap_err();
            assert!(problem.message.contains(words), "{datatype}: {}", problem.message);
        }
    }

    #[test]
    fn negative_bytes_are_negative_numbers() {
        for (datatype, bytes) in [("INT8", 1), ("INT16", 2), ("INT32", 4), ("INT64", 8)] {
            assert_eq!(Datatype::of(datatype).unwrap().number(&vec![0xff; bytes]), -1.0, "{datatype}");
        }
    }
}
