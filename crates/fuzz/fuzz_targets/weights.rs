//! Weight files: any bytes are refused, or give a net that is written and read back unchanged.
#![no_main]

use std::path::Path;

use digitstack::{
    device::{DeviceChoice, resolve},
    nn::{DenseConfig, NetworkConfig, Notes, WeightsFile},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz");
    let device = resolve(&DeviceChoice::Cpu).expect("a CPU is always available");
    let Ok(file) = WeightsFile::from_bytes(name, bytes.to_vec()) else { return };
    let config = file.architecture().cloned().unwrap_or(NetworkConfig::Dense(DenseConfig::default()));
    let Ok(net) = file.to_net(&config, &device) else { return };
    let written = net.to_safetensors(&Notes::new()).expect("weights on the CPU can be read");
    let again = WeightsFile::from_bytes(name, written.clone())
        .and_then(|file| file.to_net(&config, &device))
        .expect("a file that was just written");
    assert_eq!(again.to_safetensors(&Notes::new()).expect("as before"), written);
});
