//! Every relative link of a page leads to a file of the repository, and every `#anchor` to a
//! heading of that page. Links to other sites are not checked. Every environment variable of a page
//! or a sample exists.

use std::collections::BTreeSet;

use wxlink::OPTIONS;
use wxlink_testkit::markdown::{anchors, links, resolved};
use wxlink_testkit::{files, root};

/// The environment variables that are not those of options.
const OTHER_VARIABLES: [&str; 5] = [
    "WXLINK_CONFIG",
    "WXLINK_FORWARD_SECRET",
    "WXLINK_QUEUE",
    "WXLINK_SANDBOX",
    "WXLINK_SCREENSHOTS",
];

/// Why a link leads nowhere.
fn fault(files: &BTreeSet<String>, page: &str, link: &str) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let mut target = if path.is_empty() {
        page.to_owned()
    } else {
        resolved(page, path)?
    };
    if !files.contains(&target) {
        let folder = format!("{target}/");
        if !target.is_empty() && !files.iter().any(|file| file.starts_with(&folder)) {
            return Some("no such file");
        }
        target = format!("{folder}README.md")
            .trim_start_matches('/')
            .to_owned();
    }
    if fragment.is_empty() {
        return None;
    }
    let is_line = fragment
        .strip_prefix('L')
        .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    if is_line && !target.ends_with(".md") {
        return None;
    }
    let text = std::fs::read_to_string(root().join(target)).unwrap_or_default();
    (!anchors(&text).contains(fragment)).then_some("no such heading")
}

#[test]
fn every_link_resolves() {
    let files = files();
    let mut faults = Vec::new();
    let mut count = 0;
    for page in files.iter().filter(|name| name.ends_with(".md")) {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for link in links(&text) {
            count += 1;
            if let Some(fault) = fault(&files, page, &link) {
                faults.push(format!("{page}: {link}: {fault}"));
            }
        }
    }
    assert!(count > 100, "only {count} links were found");
    assert!(
        faults.is_empty(),
        "{} broken links:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The words of a text that start with `WXLINK_`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !is_part(c))
        .filter(|word| word.starts_with("WXLINK_"))
}

#[test]
fn every_environment_variable_of_a_page_or_sample_is_read() {
    let of_options = OPTIONS.iter().map(|option| option.key.to_uppercase());
    let known: BTreeSet<String> = of_options
        .map(|key| format!("WXLINK_{key}"))
        .chain(OTHER_VARIABLES.iter().map(|name| (*name).to_owned()))
        .collect();
    let is_page_or_sample = |name: &&str| {
        let folders = ["/samples/", "/examples/", "bindings/c/", "bindings/cpp/"];
        let is_sample = folders.iter().any(|folder| name.contains(folder));
        name.ends_with(".md") || (is_sample && !name.ends_with(".sh"))
    };
    let mut unknown = Vec::new();
    let mut used = BTreeSet::new();
    let files = files();
    for file in files.iter().map(String::as_str).filter(is_page_or_sample) {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for name in variables(&text) {
            used.insert(name.to_owned());
            if !known.contains(name) {
                unknown.push(format!("{file}: {name}"));
            }
        }
    }
    assert_eq!(unknown, [""; 0]);
    for name in OTHER_VARIABLES {
        assert!(used.contains(name), "{name} is on no page");
    }
}
