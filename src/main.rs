//! The command-line program. All it does is in [`digitstack::cli`].

use std::process::ExitCode;

/// Tensors of many megabytes come and go at every training step; glibc returns each to the kernel and faults it in
/// again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    digitstack::cli::main()
}
