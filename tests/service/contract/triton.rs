//! Triton's own client, `tritonclient` of PyPI, understands the service and is understood.

use std::fs;

use digitstack::{data::synthetic, seed::Seed};
use serde_json::json;

use crate::{
    server::Service,
    support::{python, say},
};

#[test]
fn the_client_of_triton_gets_the_answers_of_the_service() {
    let Some(python) = python::with("tritonclient.http, numpy") else { return };
    let service = Service::start(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let images: Vec<Vec<u8>> = (0..10).map(|class| synthetic::digit(class, Seed(1)).to_vec()).collect();
    let file = folder.path().join("images.json");
    fs::write(&file, json!(images).to_string()).expect("writes");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/triton.py");
    let address = service.address().to_string();
    let said = python::run(&python, [script, &address, file.to_str().expect("UTF-8")]);
    say(format!("contract: {}", String::from_utf8_lossy(&said).trim()));
}
