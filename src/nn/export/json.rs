//! A net as JSON: nested lists, for eyes and for programs without a reader of safetensors.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::Notes;
use crate::nn::{
    config::NetworkConfig,
    error::NnError,
    trained::TrainedNet,
    weights::{Array, Weights},
};

#[derive(Serialize)]
struct Net<'a> {
    notes: &'a Notes,
    architecture: &'a NetworkConfig,
    weights: std::collections::BTreeMap<&'a str, Nested<'a>>,
}

/// Part of an array: a list for its outermost dimension.
struct Nested<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

impl<'a> From<&'a Array> for Nested<'a> {
    fn from(array: &'a Array) -> Self {
        Self { shape: &array.shape, values: &array.values }
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((&length, inner)) = self.shape.split_first() else {
            return self.values.first().serialize(serializer);
        };
        let mut list = serializer.serialize_seq(Some(length))?;
        let size: usize = inner.iter().product();
        for place in 0..length {
            list.serialize_element(&Self { shape: inner, values: &self.values[place * size..(place + 1) * size] })?;
        }
        list.end()
    }
}

/// The net as one line of JSON: indented it would be several times as large.
pub(super) fn file(net: &TrainedNet, notes: &Notes) -> Result<Vec<u8>, NnError> {
    let weights = Weights::of(net.network())?;
    let weights = weights.0.iter().map(|(name, array)| (name.as_str(), array.into())).collect();
    let net = Net { notes, architecture: net.config(), weights };
    let mut text = serde_json::to_vec(&net).map_err(|error| NnError::Execution(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_nested_as_their_shapes_say() {
        let array = Array { shape: vec![2, 1, 3], values: vec![1.0, 2.0, 3.5, -4.0, 0.1, 6.0] };
        assert_eq!(serde_json::to_string(&Nested::from(&array)).unwrap(), "[[[1.0,2.0,3.5]],[[-4.0,0.1,6.0]]]");
        let scalar = Array { shape: Vec::new(), values: vec![2.0] };
        assert_eq!(serde_json::to_string(&Nested::from(&scalar)).unwrap(), "2.0");
        let empty = Array { shape: vec![2, 0], values: Vec::new() };
        assert_eq!(serde_json::to_string(&Nested::from(&empty)).unwrap(), "[[],[]]");
    }
}
