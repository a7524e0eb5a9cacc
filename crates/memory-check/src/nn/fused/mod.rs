//! The modules of `src/nn/fused` that need no Burn.

#[path = "../../../../../src/nn/fused/by_tiles.rs"]
mod by_tiles;
#[path = "../../../../../src/nn/fused/fresh.rs"]
mod fresh;
#[path = "../../../../../src/nn/fused/functions.rs"]
mod functions;
#[path = "../../../../../src/nn/fused/kernels/mod.rs"]
mod kernels;
#[path = "../../../../../src/nn/fused/level.rs"]
mod level;
#[path = "../../../../../src/nn/fused/matrix.rs"]
mod matrix;
#[path = "../../../../../src/nn/fused/passes.rs"]
mod passes;
#[path = "../../../../../src/nn/fused/pooling.rs"]
mod pooling;
#[path = "../../../../../src/nn/fused/saved.rs"]
mod saved;
#[path = "../../../../../src/nn/fused/spec.rs"]
mod spec;
#[path = "../../../../../src/nn/fused/stage.rs"]
mod stage;
#[path = "../../../../../src/nn/fused/tasks.rs"]
mod tasks;
#[path = "../../../../../src/nn/fused/winograd.rs"]
mod winograd;

mod tests;
