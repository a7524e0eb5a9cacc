//! Devices of this machine, and the one that a choice means.

use burn::tensor::Device;

#[cfg(feature = "wgpu")]
use super::adapters;
use super::choice::{DeviceChoice, DeviceError, DeviceInfo, DeviceKind};

/// Device to compute on.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    device: Device,
    description: String,
    cpu: bool,
}

impl ChosenDevice {
    /// Returns the device without autodiff, for inference.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the device with autodiff, for training.
    pub fn training(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Tells whether a CPU backend computes, on the caller's rayon pool.
    pub fn is_cpu(&self) -> bool {
        self.cpu
    }

    /// Returns a readable description: "CPU (Burn Flex)", "NVIDIA GeForce RTX 4090 (Vulkan, driver 550.54)".
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// Lists every device that this build can use on this machine. It opens none of them and prints nothing; without a
/// driver the list holds no GPU.
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

/// Opens the device of a choice. Drivers are loaded only if the choice may mean a GPU.
///
/// # Errors
/// If the backend is not part of this build, or the machine has no such device.
pub fn resolve(choice: &DeviceChoice) -> Result<ChosenDevice, DeviceError> {
    let lacks = |feature| DeviceError::NotBuilt { choice: *choice, feature };
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
        return Err(DeviceError::NotFound { choice: *choice, available: known.join(", ") });
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
    format!("CPU (Burn Flex{})", if flex_kernels::plain_operations() { ", plain operations" } else { "" })
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
