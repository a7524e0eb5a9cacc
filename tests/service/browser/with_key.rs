//! The page of a service that demands a key.

use std::fs;

use super::{Page, strokes::digit, with_the_page_of};
use crate::server::Service;

const KEY: &str = "a-key-of-the-browser-test";

#[test]
fn the_page_and_the_report_work_with_the_key_as_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, KEY).unwrap();
    let start = || Service::start(&["--api-key-file", keys.to_str().unwrap()]);
    // In place of the dialogue, which no driver types into: the browser keeps the password for the origin.
    let path_with_password = |service: &Service| format!("http://anybody:{KEY}@{}/v2", service.address());
    with_the_page_of(start, path_with_password, |Page { browser, service }| {
        browser.open(&service.url("/"));
        let page = Page { browser, service };
        page.draw(&digit(3));
        assert_eq!(page.answered().digit, "3");
        page.browser.open(&page.service.url("/report/"));
        page.browser.wait("document.querySelector('h1') !== null");
        // The answer of /v2 is no page that names an icon, so the browser asks for the usual one.
        let about_the_icon = |(_, text): &(String, String)| text.contains("/favicon.ico ");
        let problems: Vec<_> = page.browser.console().into_iter().filter(|line| !about_the_icon(line)).collect();
        assert_eq!(problems, []);
        page.service.stop();
    });
}
