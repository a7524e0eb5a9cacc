//! A net's weights as named arrays, and the safetensors files they travel in.
//!
//! Names and layouts are those of a PyTorch `state_dict`, so that other tools can open the files: `blocks.0.convolutions.0.weight` is
//! `[out, in, kernel, kernel]`, `hidden.0.weight` and `output.weight` are `[out, in]` (Burn computes with the transpose), biases are
//! `[out]`. A norm is `blocks.0.convolutions.0.norm` with `weight`, `bias`, `running_mean` and `running_var`, all `[out]`.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Tensor, TensorData},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use super::{error::NnError, network::Network};

/// A float array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Array {
    /// Outermost dimension first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// The weights of a net by name, in PyTorch's layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights(pub(super) BTreeMap<String, Array>);

impl Weights {
    /// Reads them from the device.
    pub fn of(network: &Network) -> Result<Self, NnError> {
        let mut reader = Reader::default();
        network.visit(&mut reader);
        match reader.failed {
            Some(problem) => Err(NnError::Execution(problem)),
            None => Ok(reader.weights),
        }
    }

    /// `network` with these weights; the problem if one is missing, superfluous, misshapen or not finite.
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
            Some(array) if array.shape != shape => format!("holds {name} as {:?}, the net needs {shape:?}", array.shape),
            Some(array) if array.values.iter().any(|value| !value.is_finite()) => format!("holds a {name} that is not finite"),
            Some(array) if name.ends_with(".running_var") && array.values.iter().any(|&value| value < 0.0) => {
                format!("holds a {name} below zero, which no variance is")
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

/// The values of a tensor, row-major.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, NnError> {
    let data = tensor.try_into_data().map_err(|error| NnError::Execution(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| NnError::Execution(format!("{error:?}")))
}

/// The key of the one metadata entry: several would come in an order of their own in every file.
const METADATA: &str = "digitstack";

/// Arrays and a metadata entry as the bytes of a safetensors file.
pub(super) fn serialize(arrays: &BTreeMap<String, Array>, metadata: Option<String>) -> Result<Vec<u8>, String> {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| (name.as_str(), array.shape.as_slice(), array.values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = metadata.map(|text| [(METADATA.to_owned(), text)].into());
    views.and_then(|views| safetensors::serialize(views, metadata)).map_err(|error| error.to_string())
}

/// Writes arrays and a metadata entry as a safetensors file: to a temporary name in the same folder, synced, then renamed, so that the file
/// is either the old or the new one whatever happens. Returns the SHA-256 of the file.
pub(super) fn write_file(path: &Path, arrays: &BTreeMap<String, Array>, metadata: Option<String>) -> Result<String, NnError> {
    let file = serialize(arrays, metadata).map_err(|problem| NnError::file(path, problem))?;
    write_atomically(path, &file)?;
    Ok(hash(&file))
}

/// Writes a whole file under a temporary name, syncs and renames it.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), NnError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| NnError::io(path, error))?;
    file.write_all(bytes).map_err(|error| NnError::io(path, error))?;
    file.as_file().sync_all().map_err(|error| NnError::io(path, error))?;
    file.persist(path).map_err(|error| NnError::io(path, error.error))?;
    // The rename itself survives a power cut only once the folder is synced; not every system can open a folder.
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The arrays and the metadata entry of a safetensors file's bytes; the problem if they are damaged or not float32.
pub(super) fn parse(bytes: &[u8]) -> Result<(BTreeMap<String, Array>, Option<String>), String> {
    let (file, metadata) = open(bytes)?;
    let mut arrays = BTreeMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("holds {name} as {:?}, expected F32", view.dtype()));
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values });
    }
    Ok((arrays, metadata))
}

/// A safetensors file of any kind and this program's metadata entry in it; the problem if it is damaged.
pub(super) fn open(bytes: &[u8]) -> Result<(SafeTensors<'_>, Option<String>), String> {
    let damaged = |error| format!("is no intact safetensors file ({error})");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let metadata = header.metadata().as_ref().and_then(|map| map.get(METADATA).cloned());
    Ok((SafeTensors::deserialize(bytes).map_err(damaged)?, metadata))
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
