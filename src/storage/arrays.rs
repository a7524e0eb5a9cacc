//! Arrays of numbers in safetensors files.
//!
//! safetensors is an open format with readers in many languages; nothing in it is executed. Every array keeps its name,
//! shape and type.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Serialize, Serializer};

/// The key of the metadata entry that belongs to this project.
const METADATA: &str = "digitstack";

/// Texts that travel with an exported model, by name.
pub type Notes = BTreeMap<&'static str, String>;

/// Element type of an array.
pub(crate) trait Element: Sized {
    /// Its name in safetensors.
    const DTYPE: Dtype;
    /// Appends the numbers, little-endian.
    fn write(values: &[Self], to: &mut Vec<u8>);
    /// Reads little-endian numbers.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

impl Element for u8 {
    const DTYPE: Dtype = Dtype::U8;

    fn write(values: &[Self], to: &mut Vec<u8>) {
        to.extend_from_slice(values);
    }

    fn read(bytes: &[u8]) -> Vec<Self> {
        bytes.to_vec()
    }
}

impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;

    fn write(values: &[Self], to: &mut Vec<u8>) {
        to.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn read(bytes: &[u8]) -> Vec<Self> {
        bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

/// One array in the layout of a file.
struct Stored {
    dtype: Dtype,
    /// Outermost dimension first.
    shape: Vec<usize>,
    /// Row-major, little-endian.
    bytes: Vec<u8>,
}

/// Arrays by name.
#[derive(Default)]
pub(crate) struct Arrays(BTreeMap<String, Stored>);

impl Arrays {
    /// Adds an array, row-major.
    pub(crate) fn insert<E: Element>(&mut self, name: &str, shape: &[usize], values: &[E]) {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        E::write(values, &mut bytes);
        self.0.insert(name.to_owned(), Stored { dtype: E::DTYPE, shape: shape.to_vec(), bytes });
    }

    /// Removes an array and returns its shape and values.
    ///
    /// # Errors
    /// In words, if it is not there or of another type.
    pub(crate) fn take<E: Element>(&mut self, name: &str) -> Result<(Vec<usize>, Vec<E>), String> {
        let Stored { dtype, shape, bytes } = self.0.remove(name).ok_or_else(|| format!("lacks {name}"))?;
        if dtype != E::DTYPE {
            return Err(format!("holds {name} as {dtype:?}, expected {:?}", E::DTYPE));
        }
        Ok((shape, E::read(&bytes)))
    }

    /// Removes an array that must have this shape.
    ///
    /// # Errors
    /// In words, if it is not there, or of another type or shape.
    pub(crate) fn take_shaped<E: Element>(&mut self, name: &str, expected: &[usize]) -> Result<Vec<E>, String> {
        match self.take(name)? {
            (shape, values) if shape == expected => Ok(values),
            (shape, _) => Err(format!("holds {name} as {shape:?}, expected {expected:?}")),
        }
    }

    /// Names of the arrays that are left.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Renders a safetensors file, with a metadata entry if there is one.
    pub(crate) fn render(&self, metadata: Option<String>) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let mut views = Vec::with_capacity(self.0.len());
        for (name, stored) in &self.0 {
            views.push((name, TensorView::new(stored.dtype, stored.shape.clone(), &stored.bytes)?));
        }
        safetensors::serialize(views, metadata.map(|text| [(METADATA.to_owned(), text)].into()))
    }

    /// Parses a safetensors file into its arrays and its metadata entry.
    ///
    /// # Errors
    /// In words, if they are damaged or hold numbers of a type that no [`Element`] is. Nothing larger than the bytes
    /// themselves is allocated, whatever their header says.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Option<String>), String> {
        let (file, metadata) = open(bytes)?;
        if let Some((name, view)) = file.iter().find(|(_, view)| !matches!(view.dtype(), Dtype::U8 | Dtype::F32)) {
            return Err(format!("holds {name} as {:?}, expected U8 or F32", view.dtype()));
        }
        let stored = |(name, view): (&str, TensorView)| {
            (name.to_owned(), Stored { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() })
        };
        Ok((Self(file.iter().map(stored).collect()), metadata))
    }
}

/// Serializes to an object of nested lists, one level of lists for each dimension.
impl Serialize for Arrays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nested =
            self.0.iter().map(|(name, Stored { dtype, shape, bytes })| (name, Nested { dtype: *dtype, shape, bytes }));
        serializer.collect_map(nested)
    }
}

struct Nested<'a> {
    dtype: Dtype,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Arrays hold bytes or single-precision numbers: `Element` has no others.
        let (length, inner) = match self.shape {
            [] if self.dtype == Dtype::U8 => return u8::read(self.bytes).first().serialize(serializer),
            [] => return f32::read(self.bytes).first().serialize(serializer),
            [_] if self.dtype == Dtype::U8 => return self.bytes.serialize(serializer),
            [_] => return f32::read(self.bytes).serialize(serializer),
            [length, inner @ ..] => (*length, inner),
        };
        let size = self.bytes.len() / length.max(1);
        serializer.collect_seq((0..length).map(|index| Nested {
            shape: inner,
            bytes: &self.bytes[index * size..(index + 1) * size],
            ..*self
        }))
    }
}

/// Opens a safetensors file with arrays of any type, and returns this project's metadata entry with it.
///
/// # Errors
/// In words, if the bytes are damaged.
pub(crate) fn open(bytes: &[u8]) -> Result<(SafeTensors<'_>, Option<String>), String> {
    let damaged = |error| format!("is no intact safetensors file ({error})");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let metadata = header.metadata().as_ref().and_then(|map| map.get(METADATA).cloned());
    Ok((SafeTensors::deserialize(bytes).map_err(damaged)?, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_with_type_and_shape() {
        let mut arrays = Arrays::default();
        arrays.insert("pixels", &[2, 3], &[0_u8, 1, 2, 3, 254, 255]);
        arrays.insert("weights", &[2], &[0.5_f32, -1e30]);
        let bytes = arrays.render(Some("note".to_owned())).unwrap();
        let read = || Arrays::parse(&bytes).unwrap();
        assert_eq!(read().1.as_deref(), Some("note"));
        let mut again = read().0;
        assert_eq!(again.take::<u8>("pixels"), Ok((vec![2, 3], vec![0, 1, 2, 3, 254, 255])));
        assert_eq!(again.take_shaped::<f32>("weights", &[2]), Ok(vec![0.5, -1e30]));
        assert!(again.names().is_empty());
        assert_eq!(again.take::<u8>("pixels"), Err("lacks pixels".to_owned()));
        assert_eq!(read().0.take::<f32>("pixels").unwrap_err(), "holds pixels as U8, expected F32");
        assert_eq!(read().0.take_shaped::<u8>("pixels", &[6]).unwrap_err(), "holds pixels as [2, 3], expected [6]");
    }

    #[test]
    fn cut_and_lying_files_are_refused() {
        let mut arrays = Arrays::default();
        arrays.insert("pixels", &[3], &[1_u8, 2, 3]);
        let bytes = arrays.render(None).unwrap();
        for end in 0..bytes.len() {
            assert!(Arrays::parse(&bytes[..end]).is_err(), "{end} bytes");
        }
        let text = String::from_utf8_lossy(&bytes).replace("[3]", "[9]").into_bytes();
        assert!(Arrays::parse(&text).is_err());
    }

    #[test]
    fn arrays_are_nested_as_their_shapes_say() {
        let mut arrays = Arrays::default();
        arrays.insert("bytes", &[2], &[7_u8, 255]);
        arrays.insert("deep", &[2, 1, 3], &[1.0_f32, 2.0, 3.5, -4.0, 0.1, 6.0]);
        arrays.insert("empty", &[2, 0], &[0.0_f32; 0]);
        arrays.insert("scalar", &[], &[2.0_f32]);
        let text = serde_json::to_string(&arrays).unwrap();
        assert_eq!(text, r#"{"bytes":[7,255],"deep":[[[1.0,2.0,3.5]],[[-4.0,0.1,6.0]]],"empty":[[],[]],"scalar":2.0}"#);
    }
}
