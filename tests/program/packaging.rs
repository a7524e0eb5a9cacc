//! The files of `packaging/` agree with the program and with each other. The Debian package itself is tested by
//! `packaging/test-deb.sh`; of the container file this is all that is checked without an engine.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{
    program::{digitstack, ends, text},
    trained::copy,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Page of the manual of `digitstack serve`.
fn manual_of_serve() -> String {
    let folder = tempfile::tempdir().unwrap();
    ends(&["man", folder.path().to_str().unwrap()], 0);
    fs::read_to_string(folder.path().join("digitstack-serve.1")).unwrap()
}

/// Names of variables in a file.
fn variables(text: &str) -> Vec<&str> {
    let names = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    names.filter(|name| name.starts_with("DIGITSTACK_")).collect()
}

#[test]
fn variables_that_packages_set_are_those_of_options() {
    let manual = manual_of_serve();
    for path in ["packaging/default", "packaging/Containerfile", "packaging/digitstack.service", "docs/install.md"] {
        let text = read(path);
        let found = variables(&text);
        assert!(!found.is_empty() || path.ends_with(".service"), "{path}");
        for name in found.iter().filter(|name| !name.starts_with("DIGITSTACK_DATA")) {
            assert!(manual.contains(name), "{path}: no option has the variable {name}");
        }
    }
}

#[test]
fn the_container_is_built_of_files_that_are_there_by_the_compiler_that_is_asked_for() {
    let (file, manifest) = (read("packaging/Containerfile"), read("Cargo.toml"));
    let rust = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"')).unwrap();
    assert!(file.contains(&format!("FROM docker.io/library/rust:{rust}.")), "the compiler is not Rust {rust}");
    let context = tempfile::tempdir().unwrap();
    let ignored = read(".containerignore");
    for line in file.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (_, sources) = words.split_last().unwrap();
        for source in sources {
            let path = root().join(source);
            assert!(path.exists(), "COPY {source}: there is no such file");
            assert!(!ignored.lines().any(|line| line == format!("/{source}")), "{source} is ignored");
            let target = context.path().join(source);
            if path.is_dir() {
                fs::create_dir_all(&target).unwrap();
                copy(&path, &target);
            } else {
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::copy(path, target).unwrap();
            }
        }
    }
    // Cargo reads the workspace from what was copied and from nothing else.
    let read = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(context.path())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", text(&read.stderr));
    // The binary's path in the image is that of the commands.
    assert!(file.contains("/usr/bin/digitstack\nCOPY") && file.contains("ENTRYPOINT [\"/usr/bin/digitstack\"]"));
    let health = file.lines().find_map(|line| line.split_once(" CMD [\"/usr/bin/digitstack\", ")).unwrap().1;
    let words: Vec<String> = serde_json::from_str(&format!("[{health}")).unwrap();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["--port", "9"]);
    assert!(ends(&words, 1).contains("127.0.0.1:9/v2/health/ready"));
}

#[test]
fn documents_and_scripts_name_the_version_of_the_program() {
    let version = text(&digitstack(&["--version"]).stdout);
    let version = version.trim().strip_prefix("digitstack ").unwrap();
    assert!(read("docs/install.md").contains(&format!("digitstack_{version}-1_amd64.deb")), "docs/install.md");
    let changes = read("CHANGELOG.md");
    let section = changes.lines().find(|line| line.starts_with(&format!("## [{version}] - 20")));
    assert!(section.is_some() && changes.contains("\n## [Unreleased]\n"), "CHANGELOG.md");
    let manifest = read("Cargo.toml");
    assert_eq!(manifest.matches(&format!("version = \"{version}\"")).count(), 3, "the workspace and two dependencies");
}
