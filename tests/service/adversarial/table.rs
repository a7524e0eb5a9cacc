//! All cases, one after another, on one service.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use super::{Case, Expected, bodies, paths, pictures, wire};
use crate::{
    adversarial::load::memory,
    http::{Answer, Connection, PATIENCE, drawn, post},
    server::Service,
    support::say,
};

/// Longest time for a refusal, on a machine that is busy with other tests.
const QUICK: Duration = Duration::from_secs(10);
/// Longest time for the largest picture that is read.
const LARGE: Duration = Duration::from_secs(20);
/// Peak memory that is allowed, in bytes, with one request at a time.
const MOST: f64 = 1024.0 * 1048576.0;

#[test]
fn every_bad_request_is_refused_with_a_reason_and_hurts_nobody() {
    let groups = [
        ("pictures", pictures::cases()),
        ("bodies", bodies::cases()),
        ("paths", paths::cases()),
        ("wire", wire::cases()),
    ];
    let mut names = BTreeSet::new();
    let twice: Vec<&str> = groups
        .iter()
        .flat_map(|(_, cases)| cases)
        .map(|case| case.name.as_str())
        .filter(|name| !names.insert(*name))
        .collect();
    assert!(twice.is_empty(), "several cases are called {twice:?}");
    let count = names.len();
    assert!(count >= 200, "{count} kinds");

    let mut service = Service::start(&[]);
    let process = service.process();
    let good = post(service.address(), "/api/predict", "image/png", drawn(3)).json();
    assert_eq!(good["digit"], 3);
    let (mut wrong, mut bare, mut slowest) = (Vec::new(), 0, (Duration::ZERO, ""));
    for (group, cases) in &groups {
        for case in cases {
            let begun = Instant::now();
            let answer = sent(&service, case);
            let took = begun.elapsed();
            slowest = slowest.max((took, &case.name));
            bare += usize::from(case.expected == Expected::NoRequest);
            if let Err(error) = check(case, &answer) {
                wrong.push(format!("{group}: {}: expected {:?}, {error}", case.name, case.expected));
            }
            if took > (if case.expected == Expected::Answered { LARGE } else { QUICK }) {
                wrong.push(format!("{group}: {}: took {took:?}", case.name));
            }
            assert!(!service.has_ended(), "{group}: {} ended the service: {:#?}", case.name, service.log());
        }
        let again = post(service.address(), "/api/predict", "image/png", drawn(3)).json();
        assert_eq!(
            (&again["digit"], &again["probabilities"]),
            (&good["digit"], &good["probabilities"]),
            "after the {group}"
        );
    }
    let peak = memory(process, "VmHWM");
    let said = peak.map_or_else(|| "not known here".to_owned(), |bytes| format!("{:.0} MiB", bytes / 1048576.0));
    let (took, name) = slowest;
    say(format!(
        "adversarial: {count} kinds, {bare} of them no HTTP; slowest: {name}, {:.2} s; memory at its peak: {said}",
        took.as_secs_f64()
    ));
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    assert!(peak.is_none_or(|peak| peak < MOST), "memory at its peak: {said}");
    assert_eq!(service.process(), process);
    let refused = service.accesses().iter().filter(|access| access["method"].is_null()).count();
    let lines = service.stop();
    let failed: Vec<&String> =
        lines.iter().filter(|line| line.contains("panicked") || line.contains(" failed: ")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    // Garbage behind a whole request has one of its own.
    assert!(refused >= bare, "{refused} lines in the log for {bare} cases");
}

fn sent(service: &Service, case: &Case) -> io::Result<Answer> {
    let mut connection = Connection::open(service.address());
    // A request that is refused early need not be read to its end.
    let _ = connection.send(&case.bytes);
    if case.ends {
        connection.end();
    }
    loop {
        match connection.answer(PATIENCE) {
            Ok(answer) if answer.status == 100 => {}
            other => return other,
        }
    }
}

/// Checks the answer to a case.
fn check(case: &Case, answer: &io::Result<Answer>) -> Result<(), String> {
    match (case.expected, answer) {
        (Expected::NoRequest, Ok(answer)) if (400..500).contains(&answer.status) => answer.check_error(),
        (Expected::Silence, Err(error))
            if !matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) =>
        {
            Ok(())
        }
        (Expected::Error(status), Ok(answer)) if answer.status == status => answer.check_error(),
        (Expected::Answered, Ok(answer)) if answer.status == 200 => Ok(()),
        (_, Ok(answer)) => {
            Err(format!("found {}: {}", answer.status, answer.text().chars().take(200).collect::<String>()))
        }
        (_, Err(error)) => Err(format!("no answer: {error}")),
    }
}
