//! The link from a run's report to the page of the search that chose its settings.

use std::path::{Component, Path};

use super::layout::REPORT_PAGE as PAGE;

/// The link to a search's page in the page of a run, relative, so that both may move together; none if the search is
/// not there any more.
pub(super) fn search_page(search: &Path, run: &Path) -> Option<String> {
    let (page, from) = (search.join(PAGE).canonicalize().ok()?, run.canonicalize().ok()?.join("report"));
    let name = |component: Component| component.as_os_str().to_str().map(str::to_owned);
    let (to, from): (Vec<_>, Vec<_>) = (page.components().collect(), from.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Some("..".to_owned()), from.len() - shared);
    let down = to[shared..].iter().map(|component| name(*component));
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_from_one_report_to_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let (search, run) = (folder.path().join("a/search"), folder.path().join("b"));
        std::fs::create_dir_all(&run).unwrap();
        assert_eq!(search_page(&search, &run), None);
        std::fs::create_dir_all(search.join("report")).unwrap();
        std::fs::write(search.join(PAGE), "").unwrap();
        assert_eq!(search_page(&search, &run).as_deref(), Some("../../a/search/report/index.html"));
    }
}
