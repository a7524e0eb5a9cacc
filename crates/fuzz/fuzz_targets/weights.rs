//! Any bytes are refused, or are a net that goes out and comes back as it is.
#![no_main]

use std::path::Path;

use digitstack::nn::{DenseConfig, DeviceChoice, NetworkConfig, Notes, WeightsFile, resolve};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz");
    let device = resolve(&DeviceChoice::Cpu).expect("there is always a CPU");
    let Ok(file) = WeightsFile::from_bytes(name, bytes.to_vec()) else { return };
    let config = file.architecture().cloned().unwrap_or(NetworkConfig::Dense(DenseConfig::default()));
    let Ok(net) = file.to_net(&config, &device) else { return };
    let written = net.to_safetensors(&Notes::new()).expect("the CPU hands out weights");
    let again = WeightsFile::from_bytes(name, written.clone()).and_then(|file| file.to_net(&config, &device)).expect("what was written");
    assert_eq!(again.to_safetensors(&Notes::new()).expect("as before"), written);
});
