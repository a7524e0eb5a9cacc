//! Start and end of the service.

use std::{
    net::TcpStream,
    process::{Command, Output},
    time::Instant,
};

use crate::{
    http::{Connection, PATIENCE, get, half_a_picture, request, wait_until_under_way},
    server::Service,
    support::{
        program::{program, text},
        say, trained,
    },
};

fn digitstack(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().expect("the program starts");
    (status.code(), text(&stderr))
}

#[test]
fn it_is_ready_as_soon_as_it_says_so() {
    trained::served_run();
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let service = Service::start(&[]);
        assert_eq!(get(service.address(), "/v2/health/ready").status, 200);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    say(format!(
        "contract: start to the first answer: {:.0} ms, median of five ({:.0} to {:.0})",
        times[2], times[0], times[4]
    ));
    assert!(times[2] < 10_000.0, "{times:?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let service = Service::start(&[]);
    let port = service.address().port().to_string();
    let (code, said) = digitstack(program().args(["serve", "--port", &port]).arg(trained::served_run()));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port") && !said.contains("panicked"),
        "{said}"
    );
    assert_eq!(get(service.address(), "/v2").status, 200, "the first is not disturbed");
}

#[test]
fn without_a_run_it_says_how_to_make_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, said) = digitstack(program().arg("serve").current_dir(folder.path()));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`digitstack run`") && said.contains("digitstack serve RUN"), "{said}");
    let (code, said) = digitstack(program().args(["serve", "no-such-run"]).current_dir(folder.path()));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no-such-run"), "{said}");
}

#[test]
fn impossible_arguments_are_usage_errors() {
    for wrong in [
        "--timeout=0",
        "--timeout=nan",
        "--timeout=-1",
        "--timeout=1e9",
        "--in-flight=0",
        "--port=70000",
        "--host=example.org",
    ] {
        let (code, said) = digitstack(program().args(["serve", wrong]));
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(said.contains(wrong.split('=').next().expect("a name")), "{wrong:?}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn asked_to_stop_it_finishes_what_is_under_way_and_takes_nothing_new() {
    let mut service = Service::start(&["--timeout", "60"]);
    let address = service.address();
    let mut idle = Connection::open(address);
    idle.send(&request("GET", "/v2", None, b"")).expect("sends");
    assert_eq!(idle.answer(PATIENCE).expect("an answer").status, 200);
    let (mut connection, rest) = half_a_picture(address);
    wait_until_under_way(address, 1);
    service.ask_to_stop();
    service.wait_for_line("stopping");
    assert!(TcpStream::connect(address).is_err(), "a new connection was taken");
    idle.wait_for_end(PATIENCE).expect("a connection without a request is closed");
    assert!(!service.has_ended(), "a request is under way");
    connection.send(&rest).expect("sends");
    let answer = connection.answer(PATIENCE).expect("an answer");
    assert_eq!((answer.status, &answer.json()["digit"]), (200, &3.into()));
    connection.wait_for_end(PATIENCE).expect("the connection is closed");
    assert_eq!(service.wait().code(), Some(0));
    let accesses = service.accesses();
    assert_eq!(
        accesses.last().map(|line| (&line["path"], &line["status"])),
        Some((&"/api/predict".into(), &200.into())),
        "{accesses:#?}"
    );
}

#[cfg(unix)]
#[test]
fn asked_twice_it_stops_at_once() {
    let mut service = Service::start(&["--timeout", "60"]);
    let _waiting = half_a_picture(service.address());
    wait_until_under_way(service.address(), 1);
    service.ask_to_stop();
    service.wait_for_line("stopping");
    let begun = Instant::now();
    service.ask_to_stop();
    assert_eq!(service.wait().code(), Some(0));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(service.log().iter().any(|line| line.contains("second signal")), "{:#?}", service.log());
}
