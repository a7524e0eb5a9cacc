//! Batch normalisation (Ioffe and Szegedy, 2015, arXiv:1502.03167) between a convolution and its activation.
//!
//! Training subtracts each channel's mean over the batch and its pixels, divides by the standard deviation and updates
//! running statistics. In inference these are constants: they are folded into the weight and the bias of the
//! convolution in front, so that a prediction computes convolutions only.

use std::{borrow::Cow, fmt};

use burn::{
    module::{Module, Param},
    tensor::Tensor,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Added to a variance before its square root, as in PyTorch.
pub(in crate::nn) const EPSILON: f64 = 1e-5;
/// Weight of each batch in the running statistics, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// Norm between a convolution and its activation.
///
/// Written as a word or a table: `"none"`, `"batch"`, `{ kind = "batch", affine = false }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalization {
    /// None; the convolution has a bias.
    #[default]
    None,
    /// Batch normalisation; the convolution has no bias, which the norm would cancel.
    Batch {
        /// Whether each channel has a trained scale and a trained shift. Default true.
        affine: bool,
    },
}

impl Normalization {
    /// Returns the number of trainable parameters per channel, including the bias of the convolution.
    pub(in crate::nn) fn parameters(self) -> usize {
        match self {
            Self::None => 1,
            Self::Batch { affine } => 2 * usize::from(affine),
        }
    }
}

impl JsonSchema for Normalization {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Normalization".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "const": "none", "description": "None; the convolution has a bias." },
                { "const": "batch", "description": "Batch normalisation with a trained scale and shift." },
                generator.subschema_for::<Table>(),
            ]
        })
    }
}

/// The form with all settings.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "NormalizationTable")]
enum Table {
    /// No norm.
    None {},
    /// Batch normalisation.
    Batch {
        /// Whether each channel has a trained scale and a trained shift. Default true.
        #[serde(default = "affine")]
        affine: bool,
    },
}

fn affine() -> bool {
    true
}

impl Serialize for Normalization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::None => serializer.serialize_str("none"),
            Self::Batch { affine: true } => serializer.serialize_str("batch"),
            Self::Batch { affine: false } => Table::Batch { affine: false }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Normalization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable)
    }
}

struct WordOrTable;

impl<'de> Visitor<'de> for WordOrTable {
    type Value = Normalization;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("\"none\", \"batch\" or a table such as { kind = \"batch\", affine = false }")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        match word {
            "none" => Ok(Normalization::None),
            "batch" => Ok(Normalization::Batch { affine: affine() }),
            _ => Err(E::unknown_variant(word, &["none", "batch"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(match Table::deserialize(MapAccessDeserializer::new(map))? {
            Table::None {} => Normalization::None,
            Table::Batch { affine } => Normalization::Batch { affine },
        })
    }
}

/// Parameters and running statistics of a norm, all `[channels]`; named as in PyTorch.
#[derive(Module, Debug)]
pub struct Norm {
    /// Scale; absent without `affine`.
    pub weight: Option<Param<Tensor<1>>>,
    /// Shift; absent without `affine`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Running mean, initially 0; without gradient.
    pub running_mean: Param<Tensor<1>>,
    /// Running unbiased variance, initially 1; without gradient.
    pub running_var: Param<Tensor<1>>,
}

impl Norm {
    /// Returns scale and shift; 1 and 0 without `affine`.
    pub(in crate::nn) fn affine(&self) -> (Tensor<1>, Tensor<1>) {
        let mean = self.running_mean.val();
        let (channels, device) = (mean.dims(), mean.device());
        let weight = self.weight.as_ref().map_or_else(|| Tensor::ones(channels, &device), |weight| weight.val());
        let bias = self.bias.as_ref().map_or_else(|| Tensor::zeros(channels, &device), |bias| bias.val());
        (weight, bias)
    }

    /// Returns factor and shift of each channel in inference, from the running statistics.
    pub(in crate::nn) fn constants(&self) -> (Tensor<1>, Tensor<1>) {
        let (weight, bias) = self.affine();
        let factor = weight / self.running_var.val().add_scalar(EPSILON).sqrt();
        let shift = bias - self.running_mean.val() * factor.clone();
        (factor, shift)
    }

    /// Updates the running statistics by the mean and the biased variance of a batch, `[channels]` without autodiff,
    /// over `count` values per channel.
    pub(in crate::nn) fn observe(&mut self, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        // A single value has no unbiased variance; its biased one, 0, is used.
        let unbiased = variance.mul_scalar(count as f64 / count.saturating_sub(1).max(1) as f64);
        for (running, found) in [(&mut self.running_mean, mean), (&mut self.running_var, unbiased)] {
            let mixed = running.val().inner().mul_scalar(1.0 - MOMENTUM) + found.mul_scalar(MOMENTUM);
            let mixed = if running.val().device().is_autodiff() { Tensor::from_inner(mixed) } else { mixed };
            *running = Param::initialized(running.id, mixed);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        normalization: Normalization,
    }

    #[test]
    fn words_and_tables_are_read_and_written() {
        for (text, expected, written) in [
            ("\"none\"", Normalization::None, "\"none\""),
            ("{ kind = \"none\" }", Normalization::None, "\"none\""),
            ("\"batch\"", Normalization::Batch { affine: true }, "\"batch\""),
            ("{ kind = \"batch\" }", Normalization::Batch { affine: true }, "\"batch\""),
            (
                "{ kind = \"batch\", affine = false }",
                Normalization::Batch { affine: false },
                "{\"kind\":\"batch\",\"affine\":false}",
            ),
        ] {
            let read: Holder = toml::from_str(&format!("normalization = {text}")).unwrap();
            assert_eq!(read.normalization, expected);
            assert_eq!(serde_json::to_string(&read.normalization).unwrap(), written);
            assert_eq!(toml::from_str::<Holder>(&toml::to_string(&read).unwrap()).unwrap(), read);
            assert_eq!(serde_json::from_str::<Holder>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
        }
    }

    #[test]
    fn other_words_are_refused() {
        for (text, says) in [
            ("\"layer\"", "unknown variant `layer`, expected `none` or `batch`"),
            ("{ kind = \"batch\", afine = false }", "afine"),
            ("{ affine = false }", "kind"),
            ("3", "\"none\", \"batch\" or a table such as"),
        ] {
            let problem = toml::from_str::<Holder>(&format!("normalization = {text}")).unwrap_err().to_string();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
