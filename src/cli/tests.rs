//! The help texts as a whole: every example can be typed, every command explains itself.

use std::path::Path;

use super::*;

/// Every command and subcommand with its help, as `digitstack data split`.
fn commands() -> Vec<(String, clap::Command)> {
    fn visit(path: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
        found.push((path.to_owned(), command.clone()));
        for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
            visit(&format!("{path} {}", subcommand.get_name()), subcommand, found);
        }
    }
    let mut program = Arguments::command();
    program.build();
    let mut found = Vec::new();
    visit("digitstack", &program, &mut found);
    found
}

/// The command lines of this program in a piece of shell: without comments, redirections and what they are piped to.
fn command_lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        let line = line.trim();
        let line = if line.starts_with("digitstack ") { line.split("  ").next().unwrap_or_default() } else { line };
        for statement in line.split(" #").next().unwrap_or_default().split(['|', ';', '>']) {
            let statement = statement.trim();
            let statement = statement.strip_prefix("do ").unwrap_or(statement);
            if statement.starts_with("digitstack ") {
                found.push(statement.replace("$seed", "1"));
            }
        }
    }
    found
}

fn assert_can_be_typed(line: &str, context: &str) {
    // As a shell takes quoted words; none of the examples has spaces in one.
    let words = line.split_whitespace().map(|word| word.trim_matches('\''));
    for config in words.clone().filter(|word| word.starts_with("configs/")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(config).is_file(), "{context}: {line}: no file {config}");
    }
    if let Err(error) = Arguments::try_parse_from(words) {
        panic!("{context}: {line}\n{error}");
    }
}

#[test]
fn every_example_in_every_help_can_be_typed() {
    let mut examples = 0;
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        // Continued lines first: their second half is indented.
        for line in command_lines(&help.replace("\\\n    ", "")) {
            assert_can_be_typed(&line, &format!("{name} --help"));
            examples += 1;
        }
    }
    assert!(examples > 50, "only {examples} examples were found");
}

#[test]
fn every_command_line_in_the_documents_can_be_typed() {
    let documents = [
        ("README.md", include_str!("../../README.md"), 15),
        ("docs/data.md", include_str!("../../docs/data.md"), 3),
        ("docs/read.md", include_str!("../../docs/read.md"), 5),
        ("docs/search.md", include_str!("../../docs/search.md"), 5),
        ("docs/service.md", include_str!("../../docs/service.md"), 3),
        ("docs/install.md", include_str!("../../docs/install.md"), 4),
    ];
    for (name, text, least) in documents {
        let shell: Vec<&str> =
            text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n")).collect();
        let lines: Vec<String> = shell.iter().flat_map(|block| command_lines(block)).collect();
        assert!(lines.len() >= least, "{name}: only {} command lines were found", lines.len());
        for line in lines {
            assert_can_be_typed(&line, name);
        }
    }
}

#[test]
fn the_readme_is_short_and_its_links_lead_to_files() {
    let readme = include_str!("../../README.md");
    assert!(readme.len() <= 6000, "{} bytes", readme.len());
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets: Vec<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
        .collect();
    assert!(targets.len() > 8, "{targets:?}");
    for target in targets.iter().filter_map(|target| target.split('#').next()) {
        assert!(root.join(target).is_file(), "README.md: {target} is missing");
    }
}

#[test]
fn every_command_and_every_argument_is_explained() {
    for (name, command) in commands() {
        assert!(command.get_about().is_some(), "{name} has no description");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
        }
        let has_subcommands = command.get_subcommands().next().is_some();
        let is_bench = name.starts_with("digitstack bench ");
        assert!(has_subcommands || is_bench || command.get_after_help().is_some(), "{name} has no example");
    }
}

#[test]
fn lines_of_examples_are_not_wrapped_on_a_usual_terminal() {
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= 100, "{name} --help: {line}");
        }
    }
}

#[test]
fn paragraphs_of_help_are_wrapped_by_the_terminal() {
    for (name, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let is_text = |line: &str| !line.is_empty() && !line.starts_with(' ');
        let lines: Vec<&str> = help.lines().collect();
        let wrapped = lines.windows(2).find(|pair| pair.iter().all(|line| is_text(line)));
        assert_eq!(wrapped, None, "{name} --help: one paragraph in two lines");
    }
}

#[test]
fn help_has_own_options_first_then_global_ones_but_none_that_the_command_refuses() {
    let mut program = variables::explained(program(), &[]);
    program.build();
    let help = |name: &str| program.find_subcommand(name).unwrap().clone().render_long_help().to_string();
    let (serve, run) = (help("serve"), help("run"));
    for text in [&serve, &run] {
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words} in {text}"));
        assert!(at("\nOptions:") < at("\nGlobal options:") && at("--help") < at("\nGlobal options:"), "{text}");
        assert!(at("\nGlobal options:") < at("--threads") && at("--threads") < at("Examples:"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
    assert!(run.contains("--seed") && run.contains("--set") && run.contains("DIGITSTACK_RUN_DATA"), "{run}");
    assert!(!serve.contains("--seed") && !serve.contains("--set"), "{serve}");
    assert!(serve.contains("Environment: DIGITSTACK_SERVE_PORT stands for --port"), "{serve}");
}

#[test]
fn the_number_of_threads_has_a_cap() {
    for accepted in ["1", "1024"] {
        assert!(Arguments::try_parse_from(["digitstack", "devices", "--threads", accepted]).is_ok(), "{accepted}");
    }
    for refused in ["0", "1025", "100000", "-1", "1e3", "18446744073709551616"] {
        let error = Arguments::try_parse_from(["digitstack", "devices", &format!("--threads={refused}")]).unwrap_err();
        assert!(error.to_string().contains("expected a whole number from 1 to 1024"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
