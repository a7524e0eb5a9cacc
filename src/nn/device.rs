//! Where a net is computed.
//!
//! `auto` takes a real GPU when one answers and otherwise the CPU. A software adapter (lavapipe, llvmpipe, SwiftShader,
//! WARP) never counts as a GPU: it is many times slower than the CPU backend, and is used only if it is asked for by
//! name, as the parity test does.

use std::{fmt, str::FromStr};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{error::NnError, fused};

#[cfg(feature = "wgpu")]
#[path = "device_wgpu.rs"]
mod adapters;

/// What the user asked for: `auto`, `cpu`, `wgpu`, `wgpu:1`, `cuda`, `cuda:0` or `ndarray`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// A real GPU if one answers, otherwise the CPU.
    #[default]
    Auto,
    /// Burn's Flex backend.
    Cpu,
    /// Vulkan, Metal or DirectX 12; the index counts as [`list`] does. Without one the first real GPU, or else a
    /// software adapter.
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
    type Err = NnError;

    fn from_str(text: &str) -> Result<Self, NnError> {
        let problem = || NnError::Device {
            choice: text.to_owned(),
            problem: String::from("unknown; expected auto, cpu, wgpu, wgpu:<index>, cuda, cuda:<index> or ndarray"),
        };
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
    type Error = NnError;

    fn try_from(text: String) -> Result<Self, NnError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

/// What sort of processor a device is.
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

/// One device of this machine that this build can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// How to ask for it: `cpu`, `wgpu:0`.
    pub choice: DeviceChoice,
    /// What the driver calls it.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Burn's backend or the graphics interface: `Flex`, `Vulkan`, `CUDA`.
    pub backend: String,
    /// Name and version of the driver; empty for a CPU.
    pub driver: String,
    /// Whether `auto` takes it.
    pub auto: bool,
}

/// A device to compute on.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    device: Device,
    description: String,
    cpu: bool,
}

impl ChosenDevice {
    /// The device without autodiff, for inference.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device with autodiff, for training.
    pub fn training(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Whether the work is done by the CPU, on the caller's rayon pool.
    pub fn is_cpu(&self) -> bool {
        self.cpu
    }

    /// For people: "CPU (Burn Flex)", "NVIDIA GeForce RTX 4090 (Vulkan, driver 550.54)".
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// Every device that this build finds here. Opens none of them, prints nothing, and is empty of GPUs where there is no
/// driver.
pub fn list() -> Vec<DeviceInfo> {
    let mut all = vec![cpu(DeviceChoice::Cpu, "Flex")];
    #[cfg(feature = "cuda")]
    all.extend(Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec().iter().enumerate().map(|(index, _)| {
        DeviceInfo {
            choice: DeviceChoice::Cuda(Some(index)),
            name: format!("CUDA card {index}"),
            kind: DeviceKind::DiscreteGpu,
            backend: String::from("CUDA"),
            driver: String::new(),
            auto: false,
        }
    }));
    #[cfg(feature = "wgpu")]
    all.extend(adapters::list());
    #[cfg(feature = "ndarray")]
    all.push(cpu(DeviceChoice::NdArray, "NdArray"));
    let gpu = all.iter().position(|device| {
        matches!(device.kind, DeviceKind::DiscreteGpu | DeviceKind::IntegratedGpu | DeviceKind::VirtualGpu)
    });
    all[gpu.unwrap_or(0)].auto = true;
    all
}

fn cpu(choice: DeviceChoice, backend: &str) -> DeviceInfo {
    let backend = backend.to_owned();
    DeviceInfo { choice, name: String::from("CPU"), kind: DeviceKind::Cpu, backend, driver: String::new(), auto: false }
}

/// The device for this choice, or what is missing. Drivers are loaded only if the choice may mean a GPU.
pub fn resolve(choice: &DeviceChoice) -> Result<ChosenDevice, NnError> {
    let fail = |problem: String| NnError::Device { choice: choice.to_string(), problem };
    let lacks = |feature: &str| fail(format!("this build has no {feature}; build with `--features {feature}`"));
    let wanted = match *choice {
        DeviceChoice::Wgpu(_) if !cfg!(feature = "wgpu") => return Err(lacks("wgpu")),
        DeviceChoice::Cuda(_) if !cfg!(feature = "cuda") => return Err(lacks("cuda")),
        DeviceChoice::NdArray if !cfg!(feature = "ndarray") => return Err(lacks("ndarray")),
        DeviceChoice::Cpu => return Ok(ChosenDevice { device: open(*choice), description: flex(), cpu: true }),
        DeviceChoice::NdArray => {
            return Ok(ChosenDevice {
                device: open(*choice),
                description: String::from("CPU (Burn NdArray)"),
                cpu: true,
            });
        }
        DeviceChoice::Auto => {
            list().iter().find(|device| device.auto).map_or(DeviceChoice::Cpu, |device| device.choice)
        }
        DeviceChoice::Wgpu(Some(index)) => DeviceChoice::Wgpu(Some(index)),
        DeviceChoice::Wgpu(None) => DeviceChoice::Wgpu(Some(0)),
        DeviceChoice::Cuda(index) => DeviceChoice::Cuda(Some(index.unwrap_or(0))),
    };
    let all = list();
    let Some(info) = all.iter().find(|device| device.choice == wanted) else {
        let known: Vec<String> = all.iter().map(|device| format!("{} ({})", device.choice, device.name)).collect();
        return Err(fail(format!("not found; this machine has {}", known.join(", "))));
    };
    let description = match info.kind {
        DeviceKind::Cpu => flex(),
        DeviceKind::Software => format!("{} ({}, software, {})", info.name, info.backend, info.driver),
        _ => {
            format!("{} ({}{}{})", info.name, info.backend, if info.driver.is_empty() { "" } else { ", " }, info.driver)
        }
    };
    Ok(ChosenDevice { device: open(wanted), description, cpu: info.kind == DeviceKind::Cpu })
}

fn flex() -> String {
    format!("CPU (Burn Flex{})", if fused::plain_operations() { ", plain operations" } else { "" })
}

fn open(choice: DeviceChoice) -> Device {
    match choice {
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu(Some(index)) => Device::wgpu(adapters::kind(index)),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda(Some(index)) => Device::cuda(index),
        #[cfg(feature = "ndarray")]
        DeviceChoice::NdArray => {
            #[allow(deprecated, reason = "the second opinion is the reason why this feature is here")]
            let device = Device::ndarray();
            device
        }
        _ => Device::flex(),
    }
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

    #[test]
    fn exactly_one_device_is_automatic_and_it_is_no_software() {
        let all = list();
        let auto: Vec<_> = all.iter().filter(|device| device.auto).collect();
        assert_eq!(auto.len(), 1);
        assert_ne!(auto[0].kind, DeviceKind::Software);
        assert!(all.iter().any(|device| device.choice == DeviceChoice::Cpu));
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_advice() {
        assert!(resolve(&DeviceChoice::Cpu).is_ok());
        let error = resolve(&DeviceChoice::Wgpu(Some(99))).unwrap_err().to_string();
        assert!(
            error.contains("wgpu:99") && (error.contains("this machine has cpu") || error.contains("--features wgpu")),
            "{error}"
        );
        if !cfg!(feature = "cuda") {
            assert!(resolve(&DeviceChoice::Cuda(None)).unwrap_err().to_string().contains("--features cuda"));
        }
    }
}
