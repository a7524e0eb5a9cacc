//! The run directory survives crashes, notices damage, and keeps other processes out.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use digitstack::{
    progress::{Progress, Silent, Task},
    storage::{
        Damage, Manifest, REPORT, RunDirectory, RunState, StorageError, latest_complete, verify, verify_without_derived,
    },
};
use tempfile::TempDir;

const PART: &str = "models/cnn/fold-1";

fn open(root: &TempDir) -> RunDirectory {
    RunDirectory::open(root.path(), false).unwrap()
}

fn write_part(run: &RunDirectory, name: &str) {
    let part = run.begin_part(name).unwrap();
    fs::write(part.folder().join("model.bin"), b"weights").unwrap();
    part.write("more/history.json", b"[1, 2]").unwrap();
    part.commit().unwrap();
}

/// A complete run with a part, a file and times.
fn complete(root: &TempDir) -> Manifest {
    let run = open(root);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    write_part(&run, PART);
    fs::write(run.scratch_file(PART).unwrap(), b"checkpoint").unwrap();
    run.write_json("metrics.json", &[1.5, 2.5]).unwrap();
    run.write_json("timings.json", &[3]).unwrap();
    run.complete().unwrap()
}

fn names_under(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_run_goes_from_new_over_interrupted_to_complete() {
    let root = TempDir::new().unwrap();
    let run = open(&root);
    assert_eq!(run.state(), RunState::New);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    assert_eq!(run.state(), RunState::Interrupted);
    drop(run);
    assert_eq!(open(&root).state(), RunState::Interrupted);
    assert!(matches!(verify(root.path()), Err(StorageError::NotComplete(_))));

    let written = complete(&root);
    let run = open(&root);
    assert_eq!(run.state(), RunState::Complete);
    assert!(matches!(run.write_atomic("late.txt", b""), Err(StorageError::Complete(_))));
    assert!(matches!(run.complete(), Err(StorageError::Complete(_))));
    let manifest = verify(root.path()).unwrap();
    assert_eq!(manifest, written);
    let paths: Vec<_> = manifest.files().iter().map(|entry| entry.path.as_str()).collect();
    let part = ["model.bin", "more/history.json", "part.json"].map(|file| format!("{PART}/{file}"));
    assert_eq!(paths, ["config.toml", "metrics.json", &part[0], &part[1], &part[2], "timings.json"]);
    assert!(!root.path().join("scratch").exists());
}

/// Draws a report with this page.
fn draw(run: &RunDirectory, page: &str) {
    let report = run.begin_derived(REPORT).unwrap();
    report.write("figures/curve.svg", b"<svg>").unwrap();
    report.write("index.html", page.as_bytes()).unwrap();
    assert_eq!(report.commit().unwrap().read("index.html").unwrap(), page.as_bytes());
}

#[test]
fn a_report_is_drawn_again_without_a_change_of_the_manifest() {
    let root = TempDir::new().unwrap();
    let run = open(&root);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    let hash = run.inventory().unwrap().reproducible_hash();
    draw(&run, "first");
    assert_eq!(run.inventory().unwrap().reproducible_hash(), hash);
    run.complete().unwrap();
    let manifest = || (fs::read(root.path().join("manifest.json")).unwrap(), verify(root.path()).unwrap());
    let before = manifest();
    assert!(before.1.files().iter().all(|file| !file.path.as_str().starts_with(REPORT)));
    draw(&run, "second");
    assert_eq!(fs::read(root.path().join("report/index.html")).unwrap(), b"second");
    assert_eq!((manifest(), run.state()), (before, RunState::Complete));
    assert!(matches!(run.begin_derived("models"), Err(StorageError::Reserved(_))));
    for path in ["report", "report/index.html"] {
        assert!(matches!(run.begin_part(path), Err(StorageError::Complete(_))));
    }
    drop(run);
    let run = RunDirectory::open(root.path(), true).unwrap();
    assert!(!root.path().join(REPORT).exists(), "starting over removes the report too");
    assert!(matches!(run.write_atomic("report/index.html", b""), Err(StorageError::Reserved(_))));
}

#[test]
fn damage_in_a_report_is_said_to_be_in_the_report_and_drawing_it_again_mends_it() {
    let root = TempDir::new().unwrap();
    complete(&root);
    let run = open(&root);
    let page = root.path().join("report/index.html");
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("index.html changed", |page| fs::write(page, b"other").unwrap()),
        ("index.html is missing", |page| fs::remove_file(page).unwrap()),
        ("more is not in the manifest", |page| fs::write(page.with_file_name("more"), b"").unwrap()),
        ("part.json", |page| fs::write(page.with_file_name("part.json"), b"{}").unwrap()),
        ("it is not a folder", |page| {
            fs::remove_dir_all(page.parent().unwrap()).unwrap();
            fs::write(page.parent().unwrap(), b"").unwrap();
        }),
    ];
    for (words, damage) in damages {
        draw(&run, "page");
        verify(root.path()).unwrap();
        damage(&page);
        let error = verify(root.path()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StorageError::DerivedDamaged { .. }), "{text}");
        assert!(text.contains(words) && text.contains("digitstack report"), "{text}");
        verify_without_derived(root.path()).unwrap();
    }
    draw(&run, "page");
    verify(root.path()).unwrap();
    fs::remove_dir_all(root.path().join(REPORT)).unwrap();
    verify(root.path()).unwrap();

    // Drawing a report must not hide damage elsewhere.
    fs::write(root.path().join("metrics.json"), b"[9.5, 2.5]").unwrap();
    draw(&run, "page");
    assert!(matches!(verify(root.path()), Err(StorageError::Damaged { .. })));
}

#[test]
fn a_report_that_is_interrupted_leaves_the_old_one_and_a_complete_run() {
    type Step = fn(&RunDirectory);
    let leave: [(&str, Step); 4] = [
        ("begun", |run| std::mem::forget(run.begin_derived(REPORT).unwrap())),
        ("half written", |run| {
            let report = run.begin_derived(REPORT).unwrap();
            report.write("index.html", b"ne").unwrap();
            std::mem::forget(report);
        }),
        ("complete but not swapped in", |run| {
            let report = run.begin_derived(REPORT).unwrap();
            report.write("index.html", b"new").unwrap();
            report.write("part.json", b"{\"format\": 1, \"files\": []}").unwrap();
            std::mem::forget(report);
        }),
        ("dropped", |run| drop(run.begin_derived(REPORT).unwrap())),
    ];
    for (name, step) in leave {
        let root = TempDir::new().unwrap();
        let before = complete(&root);
        let run = open(&root);
        draw(&run, "old");
        step(&run);
        assert_eq!(verify(root.path()).unwrap(), before, "{name}");
        drop(run);
        let run = open(&root);
        assert_eq!((run.state(), verify(root.path()).unwrap()), (RunState::Complete, before), "{name}");
        assert_eq!(fs::read(root.path().join("report/index.html")).unwrap(), b"old", "{name}");
        assert!(names_under(root.path()).iter().all(|file| !file.starts_with(".partial-")), "{name}");
        draw(&run, "new");
        verify(root.path()).unwrap();
    }
}

#[test]
fn readers_beside_a_report_that_is_drawn_again_and_again_find_a_whole_run() {
    let root = TempDir::new().unwrap();
    complete(&root);
    let run = open(&root);
    draw(&run, "0");
    std::thread::scope(|scope| {
        let drawing = scope.spawn(|| (1..200).for_each(|page| draw(&run, &page.to_string())));
        while !drawing.is_finished() {
            verify(root.path()).unwrap();
        }
    });
}

#[test]
fn equal_runs_have_equal_hashes_whatever_their_times() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    complete(&first);
    let run = open(&second);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    write_part(&run, PART);
    run.write_json("metrics.json", &[1.5, 2.5]).unwrap();
    run.write_json("timings.json", &[4_000]).unwrap();
    assert_eq!(run.inventory().unwrap(), run.complete().unwrap());
    let hash = |root: &TempDir| verify(root.path()).unwrap().reproducible_hash();
    assert_eq!(hash(&first), hash(&second));
    let third = TempDir::new().unwrap();
    let run = open(&third);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    write_part(&run, PART);
    run.write_json("metrics.json", &[1.5, 2.6]).unwrap();
    run.complete().unwrap();
    assert_ne!(hash(&first), hash(&third));
}

#[test]
fn every_step_of_a_part_can_be_the_last() {
    type Step = fn(&RunDirectory);
    let leave: [(&str, Step); 4] = [
        ("begun", |run| std::mem::forget(run.begin_part(PART).unwrap())),
        ("half written", |run| {
            let part = run.begin_part(PART).unwrap();
            fs::write(part.folder().join("model.bin"), b"weig").unwrap();
            std::mem::forget(part);
        }),
        ("listed but not renamed", |run| {
            let part = run.begin_part(PART).unwrap();
            fs::write(part.folder().join("part.json"), b"{\"format\": 1, \"files\": []}").unwrap();
            std::mem::forget(part);
        }),
        ("dropped", |run| drop(run.begin_part(PART).unwrap())),
    ];
    for (name, step) in leave {
        let root = TempDir::new().unwrap();
        let run = open(&root);
        step(&run);
        drop(run);
        let run = open(&root);
        assert_eq!(names_under(&root.path().join("models/cnn")), Vec::<String>::new(), "{name}");
        assert_eq!(run.state(), RunState::Interrupted, "{name}");
        assert!(run.part_if_complete(PART, &Silent).unwrap().is_none(), "{name}");
        write_part(&run, PART);
        assert_eq!(
            run.part_if_complete(PART, &Silent).unwrap().unwrap().read("model.bin").unwrap(),
            b"weights",
            "{name}"
        );
    }
}

#[test]
fn a_half_written_file_is_removed_and_the_old_one_stays() {
    let root = TempDir::new().unwrap();
    open(&root).write_atomic("a/metrics.json", b"old").unwrap();
    fs::write(root.path().join("a/.partial-1-0-metrics.json"), b"ne").unwrap();
    drop(open(&root));
    assert_eq!(names_under(&root.path().join("a")), ["metrics.json"]);
    assert_eq!(fs::read(root.path().join("a/metrics.json")).unwrap(), b"old");
}

#[test]
fn a_process_that_died_before_its_first_file_leaves_a_new_directory() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("run.lock"), "123\n").unwrap();
    fs::write(root.path().join(".partial-123-0-journal.txt"), "digit").unwrap();
    assert_eq!(open(&root).state(), RunState::New);
}

#[test]
fn a_run_with_an_open_part_is_not_completed() {
    let root = TempDir::new().unwrap();
    let run = open(&root);
    let part = run.begin_part(PART).unwrap();
    assert!(matches!(run.complete(), Err(StorageError::Unfinished { .. })));
    drop(part);
    run.complete().unwrap();
}

/// Collects messages.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn task(&self, name: &str, total: u64, unit: &str) -> Box<dyn Task> {
        Silent.task(name, total, unit)
    }
    fn message(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn a_damaged_part_is_removed_with_a_message_and_done_again() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("model.bin changed", |folder| fs::write(folder.join("model.bin"), b"Weights").unwrap()),
        ("model.bin changed", |folder| fs::write(folder.join("model.bin"), b"").unwrap()),
        ("more/history.json is missing", |folder| fs::remove_file(folder.join("more/history.json")).unwrap()),
        ("stray is not in the manifest", |folder| fs::write(folder.join("stray"), b"").unwrap()),
        ("part.json", |folder| fs::write(folder.join("part.json"), b"{}").unwrap()),
    ];
    for (expected, harm) in harms {
        let root = TempDir::new().unwrap();
        let run = open(&root);
        write_part(&run, PART);
        harm(&root.path().join(PART));
        let heard = Heard::default();
        assert!(run.part_if_complete(PART, &heard).unwrap().is_none(), "{expected}");
        let messages = heard.0.into_inner().unwrap();
        assert!(messages.len() == 1 && messages[0].contains(PART) && messages[0].contains(expected), "{messages:?}");
        assert!(!root.path().join(PART).exists());
        write_part(&run, PART);
    }
}

#[cfg(unix)]
#[test]
fn a_part_that_cannot_be_read_is_not_removed() {
    let root = TempDir::new().unwrap();
    let run = open(&root);
    write_part(&run, PART);
    let manifest = root.path().join(PART).join("part.json");
    fs::remove_file(&manifest).unwrap();
    // A link to itself cannot be opened by anybody.
    std::os::unix::fs::symlink("part.json", &manifest).unwrap();
    assert!(matches!(run.part_if_complete(PART, &Silent), Err(StorageError::Io { .. })));
    assert!(root.path().join(PART).join("model.bin").exists());
}

#[test]
fn a_damaged_part_of_a_complete_run_is_reported_and_stays() {
    let root = TempDir::new().unwrap();
    complete(&root);
    fs::write(root.path().join(PART).join("model.bin"), b"weightz").unwrap();
    assert!(matches!(open(&root).part_if_complete(PART, &Silent), Err(StorageError::Damaged { .. })));
    assert!(root.path().join(PART).join("model.bin").exists());
}

#[test]
fn a_part_is_not_written_into_nor_over() {
    let root = TempDir::new().unwrap();
    let run = open(&root);
    write_part(&run, PART);
    assert!(matches!(run.begin_part(PART), Err(StorageError::PartExists(_))));
    assert!(matches!(run.write_atomic(&format!("{PART}/late.txt"), b""), Err(StorageError::Reserved(_))));
    for own in ["manifest.json", "journal.txt", "run.lock", "scratch", "x/part.json"] {
        assert!(matches!(run.write_atomic(own, b""), Err(StorageError::Reserved(_))), "{own}");
    }
    for outside in ["../x", "/tmp/x", "a/../../x"] {
        assert!(matches!(run.write_atomic(outside, b""), Err(StorageError::BadPath { .. })), "{outside}");
        assert!(matches!(run.begin_part(outside), Err(StorageError::BadPath { .. })), "{outside}");
        assert!(matches!(run.scratch_file(outside), Err(StorageError::BadPath { .. })), "{outside}");
    }
}

#[test]
fn a_run_is_not_resumed_with_other_settings() {
    let root = TempDir::new().unwrap();
    open(&root).claim("config.toml", b"seed = 1\n").unwrap();
    let run = open(&root);
    run.claim("config.toml", b"seed = 1\n").unwrap();
    let error = run.claim("config.toml", b"seed = 2\n").unwrap_err();
    assert!(matches!(error, StorageError::Claimed { .. }) && error.to_string().contains("config.toml"), "{error}");
}

#[test]
fn verify_names_everything_that_is_wrong() {
    let root = TempDir::new().unwrap();
    complete(&root);
    fs::write(root.path().join(PART).join("model.bin"), b"weightz").unwrap();
    fs::remove_file(root.path().join("metrics.json")).unwrap();
    fs::write(root.path().join("stray.txt"), b"").unwrap();
    fs::write(root.path().join(".DS_Store"), b"a file manager was here").unwrap();
    let Err(StorageError::Damaged { damage, .. }) = verify(root.path()) else { panic!("damage was not found") };
    let found: Vec<_> = damage.iter().map(Damage::to_string).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("models/cnn/fold-1/model.bin changed"), "{found:?}");
    assert_eq!(found[1..], ["stray.txt is not in the manifest", "metrics.json is missing"]);
}

#[test]
fn a_manifest_that_leads_out_is_refused() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret"), b"weights").unwrap();
    for path in ["../secret", outside.path().join("secret").to_str().unwrap()] {
        let root = TempDir::new().unwrap();
        complete(&root);
        let file = root.path().join("manifest.json");
        let text = fs::read_to_string(&file).unwrap().replacen("config.toml", &path.replace('\\', "\\\\"), 1);
        fs::write(&file, text).unwrap();
        let error = verify(root.path()).unwrap_err().to_string();
        assert!(
            error.contains("files[0].path") && error.contains("not a valid path inside a run directory"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_are_refused() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("model.bin"), b"weights").unwrap();
    let root = TempDir::new().unwrap();
    complete(&root);
    let model = root.path().join(PART).join("model.bin");
    fs::remove_file(&model).unwrap();
    std::os::unix::fs::symlink(outside.path().join("model.bin"), &model).unwrap();
    let Err(StorageError::Damaged { damage, .. }) = verify(root.path()) else { panic!("the link was followed") };
    let path = format!("{PART}/model.bin");
    assert_eq!(damage, [Damage::NotAFile { path: path.clone() }, Damage::Missing { path }]);
}

#[test]
fn fresh_removes_what_runs_made_and_nothing_else() {
    let root = TempDir::new().unwrap();
    complete(&root);
    fs::write(root.path().join("notes.txt"), b"mine").unwrap();
    fs::write(root.path().join("models/mine.txt"), b"mine").unwrap();
    let run = RunDirectory::open(root.path(), true).unwrap();
    assert_eq!(run.state(), RunState::New);
    assert_eq!(names_under(root.path()), ["journal.txt", "models", "notes.txt", "run.lock"]);
    assert_eq!(names_under(&root.path().join("models")), ["mine.txt"]);
    run.claim("config.toml", b"seed = 2\n").unwrap();
}

#[cfg(unix)]
#[test]
fn fresh_does_not_reach_through_a_link() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::create_dir_all(outside.path().join("cnn/fold-1")).unwrap();
    fs::write(outside.path().join("cnn/fold-1/precious"), b"mine").unwrap();
    write_part(&open(&root), PART);
    fs::remove_dir_all(root.path().join("models")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("models")).unwrap();
    drop(RunDirectory::open(root.path(), true).unwrap());
    assert!(outside.path().join("cnn/fold-1/precious").exists());
}

#[test]
fn a_folder_of_somebody_else_is_refused_and_left_alone() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("thesis.tex"), b"mine").unwrap();
    for fresh in [false, true] {
        assert!(matches!(RunDirectory::open(root.path(), fresh), Err(StorageError::NotARunDirectory(_))));
    }
    assert_eq!(names_under(root.path()), ["thesis.tex"]);
    let file = root.path().join("thesis.tex");
    assert!(matches!(RunDirectory::open(&file, true), Err(StorageError::Io { .. })));
}

#[test]
fn the_latest_complete_run_is_found() {
    let artifacts = TempDir::new().unwrap();
    assert_eq!(latest_complete(&artifacts.path().join("none"), |_| true).unwrap(), None);
    assert_eq!(latest_complete(artifacts.path(), |_| true).unwrap(), None);
    for (name, finish) in [("b", true), ("a", true), ("c", false)] {
        let run = RunDirectory::open(&artifacts.path().join(name), false).unwrap();
        run.write_atomic("x", b"").unwrap();
        if finish {
            run.complete().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::create_dir(artifacts.path().join("d")).unwrap();
    fs::write(artifacts.path().join("d/manifest.json"), b"somebody else's").unwrap();
    assert_eq!(latest_complete(artifacts.path(), |_| true).unwrap(), Some(artifacts.path().join("a")));
}

#[test]
fn a_second_handle_is_refused_until_the_first_is_dropped() {
    let root = TempDir::new().unwrap();
    let first = open(&root);
    let error = RunDirectory::open(root.path(), true).unwrap_err();
    assert!(
        matches!(error, StorageError::Locked { pid, .. } if cfg!(windows) || pid == Some(std::process::id())),
        "{error}"
    );
    drop(first);
    open(&root);
}

/// Runs this test program a second time as the process that holds the directory, and kills it while a part is open.
#[test]
fn another_process_is_refused_and_its_death_frees_the_directory() {
    const ROLE: &str = "DIGITSTACK_TEST_HOLD_RUN";
    if let Some(folder) = std::env::var_os(ROLE) {
        let run = RunDirectory::open(Path::new(&folder), false).unwrap();
        write_part(&run, "models/dense/fold-1");
        let part = run.begin_part(PART).unwrap();
        fs::write(part.folder().join("model.bin"), b"weig").unwrap();
        run.write_atomic("ready", b"").unwrap();
        std::thread::sleep(Duration::from_secs(120));
        return;
    }
    let root = TempDir::new().unwrap();
    let name = "run_directory::another_process_is_refused_and_its_death_frees_the_directory";
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact"])
        .env(ROLE, root.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !root.path().join("ready").exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = RunDirectory::open(root.path(), false);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let error = refused.unwrap_err();
    assert!(matches!(error, StorageError::Locked { pid, .. } if cfg!(windows) || pid == Some(holder.id())), "{error}");
    if cfg!(unix) {
        assert!(error.to_string().contains(&format!("process {}", holder.id())), "{error}");
    }
    let run = open(&root);
    assert_eq!(run.state(), RunState::Interrupted);
    assert!(run.part_if_complete("models/dense/fold-1", &Silent).unwrap().is_some());
    assert!(run.part_if_complete(PART, &Silent).unwrap().is_none());
    assert_eq!(names_under(&root.path().join("models/cnn")), Vec::<String>::new());
}
