//! Networks in the formats of other programs: export to safetensors, ONNX and JSON, import from safetensors.

mod description;
mod export;
mod import;

pub use export::Notes;
pub use import::WeightsFile;
