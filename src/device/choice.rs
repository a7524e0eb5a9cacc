//! Requested devices as text and as type, descriptions of found ones, and the errors.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Reason why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text names no kind of device.
    #[error("device {0}: unknown; expected auto, cpu, wgpu, wgpu:<index>, cuda, cuda:<index> or ndarray")]
    Unknown(String),
    /// The backend was not compiled in.
    #[error("device {choice}: this build has no {feature}; build with `--features {feature}`")]
    NotBuilt {
        /// Requested device.
        choice: DeviceChoice,
        /// Cargo feature that adds the backend.
        feature: &'static str,
    },
    /// The machine has no such device.
    #[error("device {choice}: not found; this machine has {available}")]
    NotFound {
        /// Requested device.
        choice: DeviceChoice,
        /// Devices that were found, each with its name.
        available: String,
    },
}

/// Requested device: `auto`, `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:0` or `ndarray`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// A real GPU if one answers, otherwise the CPU.
    #[default]
    Auto,
    /// Burn's Flex backend.
    Cpu,
    /// Vulkan, Metal or DirectX 12; the index counts as [`list`](super::list) does. Without one the first real GPU, or
    /// else a software adapter.
    Wgpu(Option<usize>),
    /// CUDA. Without an index the first card.
    Cuda(Option<usize>),
    /// Burn's older CPU backend, a second opinion in tests.
    NdArray,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(index)) => write!(f, "cuda:{index}"),
            Self::NdArray => f.write_str("ndarray"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let problem = || DeviceError::Unknown(text.to_owned());
        let (name, index) = match text.split_once(':') {
            None => (text, None),
            Some((name, index)) => (name, Some(index.parse().map_err(|_| problem())?)),
        };
        match (name, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index)),
            ("ndarray", None) => Ok(Self::NdArray),
            _ => Err(problem()),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

/// Kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// The CPU through a CPU backend.
    Cpu,
    /// A graphics card with its own memory.
    DiscreteGpu,
    /// A GPU that shares the CPU's memory.
    IntegratedGpu,
    /// A GPU passed into a virtual machine.
    VirtualGpu,
    /// A GPU interface computed by the CPU.
    Software,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::DiscreteGpu => "GPU",
            Self::IntegratedGpu => "integrated GPU",
            Self::VirtualGpu => "virtual GPU",
            Self::Software => "software",
        })
    }
}

/// Device of this machine that this build can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Choice that selects it: `cpu`, `wgpu:0`.
    pub choice: DeviceChoice,
    /// Name that the driver reports.
    pub name: String,
    /// Kind of processor.
    pub kind: DeviceKind,
    /// Burn backend or graphics interface: `Flex`, `Vulkan`, `CUDA`.
    pub backend: String,
    /// Name and version of the driver; empty for a CPU.
    pub driver: String,
    /// Whether `auto` selects it.
    pub auto: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn choices_read_what_they_write() {
        for text in ["auto", "cpu", "wgpu", "wgpu:3", "cuda", "cuda:0", "ndarray"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
            assert_eq!(
                serde_json::to_string(&serde_json::from_str::<DeviceChoice>(&format!("\"{text}\"")).unwrap()).unwrap(),
                format!("\"{text}\"")
            );
        }
        for text in ["", "gpu", "cpu:0", "wgpu:", "wgpu:-1", "cuda:x", "auto:1"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }
}
