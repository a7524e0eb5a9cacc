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
        assert_eq!(page.browser.console(), []);
        page.service.stop();
    });
}
