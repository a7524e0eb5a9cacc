//! The manual.

use std::{fs, process::Command};

use crate::support::{
    program::{digitstack, ends, text},
    skip,
};

#[test]
fn the_manual_has_a_page_for_each_command_that_man_reads_without_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("share/man1");
    let name = out.to_str().unwrap();
    ends(&["man", name], 0);
    let mut pages: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let help = text(&digitstack(&["--help"]).stdout);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    for command in names.iter().filter(|name| !name.is_empty() && **name != "help") {
        assert!(out.join(format!("digitstack-{command}.1")).is_file(), "{command}");
    }
    assert!(pages.len() > 25 && names.contains(&"serve"), "{pages:?}");
    // The same bytes are no error, others are.
    ends(&["man", name], 0);
    fs::write(&pages[0], "mine").unwrap();
    assert!(ends(&["man", name], 2).contains("--force"));
    ends(&["man", name, "--force"], 0);
    for (checker, arguments) in
        [("mandoc", &["-T", "lint", "-W", "error"][..]), ("man", &["--warnings", "-E", "UTF-8", "-l"])]
    {
        for page in &pages {
            let Ok(output) = Command::new(checker).args(arguments).arg(page).env("MANPAGER", "cat").output() else {
                skip(format!("{checker} is not installed"));
                break;
            };
            // `man` prints the page, `mandoc -T lint` what is wrong with it.
            let printed = if checker == "mandoc" { text(&output.stdout) } else { String::new() };
            let said = text(&output.stderr) + &printed;
            assert!(output.status.success() && said.is_empty(), "{checker} {}: {said}", page.display());
        }
    }
}
