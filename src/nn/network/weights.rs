//! A net's weights as named arrays, and their safetensors files.
//!
//! Names and layouts are those of a PyTorch `state_dict`, so that other tools can open the files:
//! `blocks.0.convolutions.0.weight` is `[out, in, kernel, kernel]`, `hidden.0.weight` and `output.weight` are `[out,
//! in]` (Burn computes with the transpose), biases are `[out]`. A norm is `blocks.0.convolutions.0.norm` with `weight`,
//! `bias`, `running_mean` and `running_var`, all `[out]`.

use std::{collections::BTreeMap, path::Path};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Tensor, TensorData},
};

use super::net::Network;
use crate::{
    nn::error::NnError,
    storage::{self, Arrays, Sha256Digest},
};

/// Float array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::nn) struct Array {
    /// Sizes, outermost dimension first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Weights of a net by name, in PyTorch's layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::nn) struct Weights(pub(in crate::nn) BTreeMap<String, Array>);

impl Weights {
    /// Reads the weights from the device.
    pub fn of(network: &Network) -> Result<Self, NnError> {
        let mut reader = Reader::default();
        network.visit(&mut reader);
        match reader.failed {
            Some(problem) => Err(NnError::Execution(problem)),
            None => Ok(reader.weights),
        }
    }

    /// True if no weight is NaN or infinite.
    pub fn are_finite(&self) -> bool {
        self.0.values().all(|array| array.values.iter().all(|value| value.is_finite()))
    }

    /// Returns `network` with these weights, or the problem if one is missing, superfluous, misshapen or not finite.
    pub fn put_into(self, network: Network) -> Result<Network, String> {
        let mut writer = Writer { path: Vec::new(), weights: self.0, problem: None };
        let network = network.map(&mut writer);
        if let Some(problem) = writer.problem {
            return Err(problem);
        }
        match writer.weights.keys().next() {
            Some(name) => Err(format!("holds {name}, which the net does not have")),
            None => Ok(network),
        }
    }
}

#[derive(Default)]
struct Reader {
    path: Vec<String>,
    weights: Weights,
    failed: Option<String>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = parameter.val().inner();
        let tensor = if D == 2 { tensor.swap_dims(0, 1) } else { tensor };
        let shape = tensor.dims().to_vec();
        match read(tensor) {
            Ok(values) => {
                self.weights.0.insert(self.path.join("."), Array { shape, values });
            }
            Err(error) => self.failed = Some(error.to_string()),
        }
    }
}

struct Writer {
    path: Vec<String>,
    weights: BTreeMap<String, Array>,
    problem: Option<String>,
}

impl ModuleMapper for Writer {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let mut shape = parameter.dims().to_vec();
        if D == 2 {
            shape.swap(0, 1);
        }
        let problem = match self.weights.remove(&name) {
            None => format!("lacks {name}"),
            Some(array) if array.shape != shape => {
                format!("holds {name} as {:?}, the net needs {shape:?}", array.shape)
            }
            Some(array) if array.values.iter().any(|value| !value.is_finite()) => {
                format!("holds a {name} that is not finite")
            }
            Some(array) if name.ends_with(".running_var") && array.values.iter().any(|&value| value < 0.0) => {
                format!("holds a {name} with a negative variance")
            }
            Some(array) => {
                return parameter.map(|old| {
                    let tensor = Tensor::<D>::from_data(TensorData::new(array.values, array.shape), &old.device());
                    let tensor = if D == 2 { tensor.swap_dims(0, 1) } else { tensor };
                    // A contiguous copy: the transposed view would be slower in every later product.
                    let tensor = Tensor::<D>::from_data(tensor.into_data(), &old.device());
                    if old.is_require_grad() { tensor.require_grad() } else { tensor }
                });
            }
        };
        self.problem.get_or_insert(problem);
        parameter
    }
}

/// Reads the values of a tensor, row-major. Waits for the device.
pub(in crate::nn) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, NnError> {
    let data = tensor.try_into_data().map_err(|error| NnError::Execution(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| NnError::Execution(format!("{error:?}")))
}

/// Encodes arrays and a metadata entry as a safetensors file.
pub(in crate::nn) fn serialize(arrays: &BTreeMap<String, Array>, metadata: Option<String>) -> Result<Vec<u8>, String> {
    let mut stored = Arrays::default();
    for (name, array) in arrays {
        stored.insert(name, &array.shape, &array.values);
    }
    stored.render(metadata).map_err(|error| error.to_string())
}

/// Writes arrays and a metadata entry as a safetensors file, whole or not at all. Returns the SHA-256 of the file.
pub(in crate::nn) fn write_file(
    path: &Path,
    arrays: &BTreeMap<String, Array>,
    metadata: Option<String>,
) -> Result<Sha256Digest, NnError> {
    let file = serialize(arrays, metadata).map_err(|problem| NnError::file(path, problem))?;
    write_atomically(path, &file)?;
    Ok(Sha256Digest::of(&file))
}

/// Writes a file atomically.
pub(in crate::nn) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), NnError> {
    storage::write_whole(path, bytes).map_err(|error| NnError::io(path, error))
}

/// Decodes the arrays and the metadata entry of a safetensors file, or returns the problem if it is damaged or not
/// float32.
pub(in crate::nn) fn parse(bytes: &[u8]) -> Result<(BTreeMap<String, Array>, Option<String>), String> {
    let (mut stored, metadata) = Arrays::parse(bytes)?;
    let mut arrays = BTreeMap::new();
    for name in stored.names() {
        let (shape, values) = stored.take(&name)?;
        arrays.insert(name, Array { shape, values });
    }
    Ok((arrays, metadata))
}
