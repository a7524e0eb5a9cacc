//! Compiles LightGBM's C++ source with `cc`: no CMake, no libclang.
//!
//! The source is not in this repository. The crate `lightgbm3-sys` ships it and is pinned, with its checksum, in
//! `Cargo.lock`; it is listed under a target that never exists, so that cargo downloads it and never builds it. `cargo
//! metadata` says where it lies. Without a network it must have been downloaded before (`cargo fetch --locked`, `cargo
//! vendor`), or `LIGHTGBM_SOURCE` names a folder that holds it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Environment variable with the folder `lightgbm/` of `lightgbm3-sys`, for builds that cannot ask cargo for it.
const SOURCE_VARIABLE: &str = "LIGHTGBM_SOURCE";

/// Folders of headers below the source's root, in the order in which the compiler looks.
const INCLUDES: [&str; 5] = [
    "include",
    "external_libs/eigen",
    "external_libs/fast_double_parser/include",
    "external_libs/fmt/include",
    "external_libs/nanoarrow/src",
];

/// Files and folders of LightGBM that the C interface does not need: the command-line program, and the tree learners for
/// several machines, for GPUs and with linear leaves, without which `src/tree_learner.cpp` does. The learners take half of
/// the time that the rest takes.
const LEFT_OUT: [&str; 9] = [
    "application",
    "cuda",
    "data_parallel_tree_learner.cpp",
    "feature_parallel_tree_learner.cpp",
    "gpu_tree_learner.cpp",
    "linear_tree_learner.cpp",
    "main.cpp",
    "tree_learner.cpp",
    "voting_parallel_tree_learner.cpp",
];

/// What nanoarrow's CMake fills into its `nanoarrow_config.h.in`.
const NANOARROW_CONFIG: [(&str, &str); 5] = [
    ("@NANOARROW_VERSION_MAJOR@", "0"),
    ("@NANOARROW_VERSION_MINOR@", "8"),
    ("@NANOARROW_VERSION_PATCH@", "0"),
    ("@NANOARROW_VERSION@", "0.8.0"),
    ("@NANOARROW_NAMESPACE_DEFINE@", ""),
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/tree_learner.cpp");
    println!("cargo:rustc-check-cfg=cfg(openmp)");
    println!("cargo:rerun-if-env-changed={SOURCE_VARIABLE}");
    // Clippy has build scripts of the workspace run once more for itself and links nothing: no reason to compile
    // LightGBM twice. Nor does docs.rs, which has no network.
    if ["CLIPPY_ARGS", "DOCS_RS"].iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let source = find_source();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let generated = out.join("generated");
    fs::create_dir_all(generated.join("nanoarrow")).expect("OUT_DIR is writable");
    let template = source.join("external_libs/nanoarrow/src/nanoarrow/nanoarrow_config.h.in");
    let template = fs::read_to_string(&template).unwrap_or_else(|error| panic!("{}: {error}", template.display()));
    let config = NANOARROW_CONFIG.iter().fold(template, |text, (name, value)| text.replace(name, value));
    fs::write(generated.join("nanoarrow/nanoarrow_config.h"), config).expect("OUT_DIR is writable");

    let mut nanoarrow = cc::Build::new();
    include(&mut nanoarrow, &source, &generated);
    nanoarrow
        .files(files(&source.join("external_libs/nanoarrow/src/nanoarrow/common"), "c"))
        .warnings(false)
        .opt_level(2)
        .debug(false);
    nanoarrow.compile("lightgbm_nanoarrow");

    let target_arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let mut core = cc::Build::new();
    include(&mut core, &source, &generated);
    core.cpp(true).std("c++17").files(files(&source.join("src"), "cpp")).warnings(false).opt_level(3).debug(false);
    core.file("src/tree_learner.cpp").include(source.join("src/treelearner"));
    core.flag_if_supported("-funroll-loops").flag("-pthread");
    core.flag_if_supported("-Wno-ignored-attributes").flag_if_supported("-Wno-unknown-pragmas");
    core.define("EIGEN_MPL2_ONLY", None).define("EIGEN_DONT_PARALLELIZE", None).define("USE_SOCKET", None);
    if target_arch.starts_with("x86") {
        core.define("MM_PREFETCH", None).define("MM_MALLOC", None);
    }
    let openmp = OpenMp::find(&core.get_compiler());
    openmp.compile_with(&mut core);
    core.compile("lightgbm_core");
    openmp.link();
}

/// Which OpenMP runtime the library is built on.
enum OpenMp {
    /// GCC's `libgomp.a`, in this folder: linked into the program, so that the crate's constructor runs before libgomp
    /// reads its settings.
    GompStatic(PathBuf),
    /// GCC's shared `libgomp`, which reads its settings when it is loaded.
    GompShared,
    /// LLVM's `libomp` in this folder (headers in its sibling `include`), which reads its settings at its first
    /// parallel region.
    Omp(PathBuf),
    /// No runtime was found: the library is built for one thread.
    None,
}

impl OpenMp {
    fn find(compiler: &cc::Tool) -> Self {
        let apple = env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
        let printed = |name: &str| {
            let output = compiler.to_command().arg(format!("-print-file-name={name}")).output().ok()?;
            let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
            // A compiler that does not know the file prints the bare name back.
            (path.is_absolute() && path.is_file()).then(|| path.parent().map(Path::to_owned)).flatten()
        };
        if apple {
            let homes = [
                env::var_os("LIBOMP_PREFIX").map(PathBuf::from),
                Some("/opt/homebrew/opt/libomp".into()),
                Some("/usr/local/opt/libomp".into()),
            ];
            return homes
                .into_iter()
                .flatten()
                .map(|home| home.join("lib"))
                .find(|lib| lib.join("libomp.dylib").is_file())
                .map_or(Self::None, Self::Omp);
        }
        if compiler.is_like_clang() {
            return printed("libomp.so").map_or(Self::None, Self::Omp);
        }
        printed("libgomp.a").map_or(Self::GompShared, Self::GompStatic)
    }

    fn compile_with(&self, core: &mut cc::Build) {
        match self {
            Self::GompStatic(_) | Self::GompShared => {
                core.flag("-fopenmp");
            }
            Self::Omp(lib) => {
                core.flag("-Xpreprocessor").flag("-fopenmp").flag_if_supported("-fopenmp=libomp");
                if let Some(home) = lib.parent() {
                    core.include(home.join("include"));
                }
            }
            Self::None => {}
        }
    }

    fn link(&self) {
        match self {
            Self::GompStatic(folder) => {
                println!("cargo:rustc-link-search=native={}", folder.display());
                println!("cargo:rustc-link-lib=static=gomp");
            }
            Self::GompShared => {
                println!("cargo:rustc-link-lib=gomp");
                println!(
                    "cargo:warning=no libgomp.a beside the compiler: LightGBM uses the shared libgomp, which spins while it waits \
                     unless OMP_WAIT_POLICY=passive is set before the program starts"
                );
            }
            Self::Omp(folder) => {
                println!("cargo:rustc-link-search=native={}", folder.display());
                println!("cargo:rustc-link-lib=omp");
            }
            Self::None => println!(
                "cargo:warning=no OpenMP runtime found (macOS: brew install libomp): LightGBM is built for one thread"
            ),
        }
        if !matches!(self, Self::None) {
            println!("cargo:rustc-cfg=openmp");
        }
    }
}

/// The folder `lightgbm/` inside the pinned `lightgbm3-sys`: the one that is named, or wherever this cargo put it.
fn find_source() -> PathBuf {
    let source = match env::var_os(SOURCE_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => ask_cargo(),
    };
    assert!(
        source.join("include/LightGBM/c_api.h").is_file(),
        "no LightGBM source in {}: include/LightGBM/c_api.h is missing",
        source.display()
    );
    source
}

fn ask_cargo() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets CARGO");
    let manifest =
        Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(&manifest)
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "`cargo metadata --locked` does not say where LightGBM's source is; without a network, download it before by \
         `cargo fetch --locked`, or name the folder `lightgbm` of the crate lightgbm3-sys 1.0.11 in {SOURCE_VARIABLE}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let package = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "lightgbm3-sys"))
        .expect("lightgbm3-sys is a dependency");
    Path::new(package["manifest_path"].as_str().expect("a package has a manifest"))
        .parent()
        .expect("a manifest lies in a folder")
        .join("lightgbm")
}

fn include(build: &mut cc::Build, source: &Path, generated: &Path) {
    build.include(generated);
    for folder in INCLUDES {
        build.include(source.join(folder));
    }
}

/// Every file below `folder` with this extension except [`LEFT_OUT`], sorted, so that the archive does not depend on the
/// file system's order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            let is_left_out = path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left_out| name == *left_out));
            if path.is_dir() {
                if !is_left_out {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) && !is_left_out {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
