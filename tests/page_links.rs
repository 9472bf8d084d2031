//! Every relative link of a page leads to a file of the repository, and every `#anchor` to a
//! heading of that page. Links to other sites are not checked. Every environment variable of a page
//! or a sample exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::process::Command;

use wxlink::OPTIONS;
use wxlink_testkit::{root, run};

/// The environment variables of the command that are not those of options.
const OTHER_VARIABLES: [&str; 4] = [
    "WXLINK_CONFIG",
    "WXLINK_FORWARD_SECRET",
    "WXLINK_QUEUE",
    "WXLINK_SCREENSHOTS",
];

/// The files of the repository, and those that are not added yet.
fn files() -> BTreeSet<String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = run(list.current_dir(root())).stdout;
    let listed = String::from_utf8(listed).unwrap();
    listed.lines().map(str::to_owned).collect()
}

/// The lines outside of fenced code blocks.
fn without_code_blocks(page: &str) -> String {
    let mut is_code = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            text += line;
        }
        text.push('\n');
    }
    text
}

/// The text without what stands between backticks, and without the backticks.
fn without_code_spans(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        plain += &rest[..start];
        let after = rest[start..].trim_start_matches('`');
        let mark = &rest[start..rest.len() - after.len()];
        rest = after.split_once(mark).map_or(after, |(_, rest)| rest);
    }
    plain + rest
}

/// The targets of `[text](target)`, `[name]: target`, `href="target"` and `src="target"`.
fn links(page: &str) -> Vec<String> {
    let text = without_code_spans(&without_code_blocks(page));
    let mut targets = Vec::new();
    for (start, ends) in [("](", ") \n"), ("href=\"", "\""), ("src=\"", "\"")] {
        for link in text.split(start).skip(1) {
            targets.extend(link.split(|c| ends.contains(c)).next());
        }
    }
    for line in text.lines().filter(|line| line.starts_with('[')) {
        targets.extend(line.split_once("]: ").map(|(_, target)| target.trim()));
    }
    targets.into_iter().map(str::to_owned).collect()
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    // Of a link, the text remains.
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, link)) = rest.split_once("](") {
        text += before;
        rest = link.split_once(')').map_or("", |(_, rest)| rest);
    }
    text += rest;
    text.trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The anchors of a page. A heading that occurs again has a number after it.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in without_code_blocks(page).lines() {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if (1..=6).contains(&level) && heading.starts_with(' ') {
            let anchor = anchor(heading);
            let count = counts.entry(anchor.clone()).or_default();
            anchors.insert(if *count == 0 {
                anchor
            } else {
                format!("{anchor}-{count}")
            });
            *count += 1;
        }
    }
    for mark in ["id=\"", "name=\""] {
        for part in page.split(mark).skip(1) {
            anchors.extend(part.split('"').next().map(str::to_owned));
        }
    }
    anchors
}

/// The path from the root of the repository for a path on a page; the root itself is empty.
fn resolved(page: &str, path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(page).parent()?.join(path).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?.to_owned()),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(parts.join("/"))
}

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

#[test]
fn anchors_follow_githubs_rules() {
    let of = |heading: &str| anchor(heading);
    assert_eq!(of(" Threads and forks"), "threads-and-forks");
    assert_eq!(of(" The `wx_exec` call, in C++"), "the-wx_exec-call-in-c");
    assert_eq!(of(" See [the page](page.md): more"), "see-the-page-more");
    assert_eq!(of(" 微信返回的错误码"), "微信返回的错误码");
    assert_eq!(of(" 安装（Linux）"), "安装linux");
    let twice = anchors("# One\n## Two\n```\n# not a heading\n```\n## Two\n");
    let expected = ["one", "two", "two-1"].map(str::to_owned);
    assert_eq!(twice, BTreeSet::from(expected));
}

#[test]
fn links_are_found_outside_of_code() {
    let page = "[a](b.md#c) ![d](e.svg \"title\") [`f`](g) `[h](i)`\n```\n[j](k)\n```\n\
                [l]: m.md\n<img src=\"n.svg\">\n";
    assert_eq!(links(page), ["b.md#c", "e.svg", "g", "n.svg", "m.md"]);
}
