//! Graphics adapters of this machine, listed without opening any.
//!
//! Burn can enumerate its devices but describes none before it is opened, which takes a second each and panics where a
//! driver is half installed. So wgpu itself is asked, by the rule that Burn's runtime follows: of the graphics
//! interfaces the first that has a real GPU, or else the first that has any adapter. OpenGL is left out; its devices
//! have no kind that Burn could address.

use std::{
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use wgpu::{AdapterInfo, Backend, DeviceType, Instance, InstanceDescriptor};

use super::choice::{DeviceChoice, DeviceInfo, DeviceKind};

#[cfg(target_os = "macos")]
const INTERFACES: [Backend; 1] = [Backend::Metal];
#[cfg(not(target_os = "macos"))]
const INTERFACES: [Backend; 2] = [Backend::Vulkan, Backend::Dx12];

/// Returns the adapters, real GPUs first. They are enumerated once: Vulkan loaders fail when instances are created and
/// dropped on several threads.
fn adapters() -> &'static [AdapterInfo] {
    static ADAPTERS: OnceLock<Vec<AdapterInfo>> = OnceLock::new();
    ADAPTERS.get_or_init(|| {
        let mut software = Vec::new();
        for interface in INTERFACES {
            let mut found = probe(interface);
            found.retain(|adapter| adapter.device_type != DeviceType::Other);
            found.sort_by_key(|adapter| adapter.device_type == DeviceType::Cpu);
            if found.first().is_some_and(|adapter| adapter.device_type != DeviceType::Cpu) {
                return found;
            }
            if software.is_empty() {
                software = found;
            }
        }
        // Burn addresses software adapters without an index, so only the first is reachable.
        software.truncate(1);
        software
    })
}

fn probe(interface: Backend) -> Vec<AdapterInfo> {
    let descriptor =
        InstanceDescriptor { backends: interface.into(), ..InstanceDescriptor::new_without_display_handle() };
    let instance = Instance::new(descriptor);
    let adapters = pin!(instance.enumerate_adapters(interface.into())).poll(&mut Context::from_waker(Waker::noop()));
    // Outside a browser the future is ready at the first poll.
    match adapters {
        Poll::Ready(adapters) => adapters.iter().map(wgpu::Adapter::get_info).collect(),
        Poll::Pending => Vec::new(),
    }
}

/// Describes every adapter; its index is that of `wgpu:<index>`.
pub(super) fn list() -> Vec<DeviceInfo> {
    let describe = |(index, adapter): (usize, &AdapterInfo)| DeviceInfo {
        choice: DeviceChoice::Wgpu(Some(index)),
        name: adapter.name.clone(),
        kind: match adapter.device_type {
            DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
            DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
            DeviceType::VirtualGpu => DeviceKind::VirtualGpu,
            DeviceType::Cpu | DeviceType::Other => DeviceKind::Software,
        },
        backend: format!("{:?}", adapter.backend),
        driver: format!("{} {}", adapter.driver, adapter.driver_info).trim().to_owned(),
        auto: false,
    };
    adapters().iter().enumerate().map(describe).collect()
}

/// Returns Burn's address of the adapter at `index` of [`list`]: its type and its index among those of the type.
pub(super) fn kind(index: usize) -> burn::tensor::DeviceKind {
    let Some(adapter) = adapters().get(index) else { return burn::tensor::DeviceKind::DefaultDevice };
    let rank = adapters()[..index].iter().filter(|other| other.device_type == adapter.device_type).count();
    match adapter.device_type {
        DeviceType::DiscreteGpu => burn::tensor::DeviceKind::DiscreteGpu(rank),
        DeviceType::IntegratedGpu => burn::tensor::DeviceKind::IntegratedGpu(rank),
        DeviceType::VirtualGpu => burn::tensor::DeviceKind::VirtualGpu(rank),
        DeviceType::Cpu | DeviceType::Other => burn::tensor::DeviceKind::Cpu,
    }
}
