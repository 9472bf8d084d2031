//! Every page that a user needs has a Chinese one: with the same headings, code, tables and links,
//! brought up to date with the English page, and with links that stay in Chinese.
//!
//! The first line of a Chinese page names the revision of the English page that it follows, so that
//! a change of the English page is noticed. `make translated` writes it.

use std::collections::{BTreeMap, BTreeSet};

use wxlink_testkit::markdown::{code_blocks, heading_levels, links, resolved, tables};
use wxlink_testkit::{files, revision, root};

/// The pages for people who work on wxlink itself.
const INTERNAL: [&str; 2] = ["docs/design.md", "docs/style.md"];

/// A comment in code starts with one of these: it is translated.
const COMMENT_MARKS: &[&str] = &["# ", "// ", "/* ", "*> ", "\"\"\""];
const PASCAL_COMMENT_MARKS: &[&str] = &["{ "];
const SQL_COMMENT_MARKS: &[&str] = &["-- "];

/// The Chinese page of an English one.
fn chinese_name(page: &str) -> Option<String> {
    match page.strip_prefix("docs/") {
        Some(name) => Some(format!("docs/zh-CN/{name}")),
        None => (page == "README.md").then(|| "README.zh-CN.md".to_owned()),
    }
}

/// The English pages for users, with their Chinese pages.
fn pages() -> BTreeMap<String, String> {
    let is_page = |name: &String| {
        let name = name.strip_prefix("docs/").unwrap_or(name);
        name.ends_with(".md") && !name.contains('/')
    };
    let names = files().into_iter().filter(is_page);
    names
        .filter(|page| !INTERNAL.contains(&page.as_str()))
        .filter_map(|page| Some((page.clone(), chinese_name(&page)?)))
        .collect()
}

fn read(page: &str) -> Option<String> {
    std::fs::read_to_string(root().join(page)).ok()
}

/// A line of code without its comment.
fn without_comment<'a>(line: &'a str, marks: &[&str]) -> &'a str {
    if line.trim_start().starts_with("* ") {
        return ""; // A comment of several lines, or one of COBOL.
    }
    let starts = marks.iter().filter_map(|mark| line.find(mark));
    line[..starts.min().unwrap_or(line.len())].trim_end()
}

/// The code of each block, without comments.
fn code(page: &str) -> Vec<String> {
    let without_comments = |block: String| {
        let marks = if block.starts_with("```pascal") {
            PASCAL_COMMENT_MARKS
        } else if block.starts_with("```sql") {
            SQL_COMMENT_MARKS
        } else {
            COMMENT_MARKS
        };
        let lines = block.lines().map(|line| without_comment(line, marks));
        lines.map(|line| format!("{line}\n")).collect()
    };
    code_blocks(page)
        .into_iter()
        .map(without_comments)
        .collect()
}

/// The files that a page links to, and the places in them.
fn targets(page: &str, text: &str) -> BTreeSet<String> {
    let targets = links(text).into_iter().map(|link| {
        let (path, place) = link.split_once('#').unwrap_or((&link, ""));
        if link.contains("://") {
            return link;
        }
        let path = if path.is_empty() {
            Some(page.to_owned())
        } else {
            resolved(page, path)
        };
        format!("{}#{place}", path.unwrap_or_default())
    });
    targets.collect()
}

/// The links that a Chinese page must have: those of the English page, to Chinese pages where there
/// are such.
fn expected_targets(pages: &BTreeMap<String, String>, page: &str, text: &str) -> BTreeSet<String> {
    let chinese = targets(page, text).into_iter().map(|target| {
        let (path, place) = target.split_once('#').unwrap_or((&target, ""));
        match pages.get(path) {
            Some(chinese) => format!("{chinese}#{place}"),
            None => target,
        }
    });
    chinese.collect()
}

/// What differs between a page and its Chinese page.
fn differences(pages: &BTreeMap<String, String>, page: &str, chinese: &str) -> Vec<String> {
    let english_text = read(page).unwrap();
    let text = read(chinese).unwrap();
    let mut found = Vec::new();
    let first_line = format!("<!-- Follows {page}, {} -->", revision(&english_text));
    if text.lines().next() != Some(&first_line) {
        found.push(format!(
            "{page} has changed, or the first line is not {first_line:?}. Bring the page up to \
             date, then run: make translated PAGES={page}"
        ));
    }
    if heading_levels(&text) != heading_levels(&english_text) {
        found.push("the levels of the headings differ".into());
    }
    if tables(&text) != tables(&english_text) {
        found.push("the tables have other rows or columns".into());
    }
    let (code, english_code) = (code(&text), code(&english_text));
    if code.len() != english_code.len() {
        found.push("the number of code blocks differs".into());
    }
    for (block, english) in std::iter::zip(code, english_code) {
        if block != english {
            found.push(format!("this code differs:\n{block}from:\n{english}"));
        }
    }
    // A picture of Chinese texts has the English picture's name and `-zh`.
    let mut english_pictures = text.clone();
    for kind in ["png", "svg"] {
        english_pictures = english_pictures.replace(&format!("-zh.{kind})"), &format!(".{kind})"));
    }
    let mut has = targets(chinese, &english_pictures);
    let mut expected = expected_targets(pages, page, &english_text);
    has.remove(&format!("{page}#"));
    expected.remove(&format!("{chinese}#"));
    for target in expected.difference(&has) {
        found.push(format!("a link is missing: {target}"));
    }
    for target in has.difference(&expected) {
        found.push(format!("the English page has no such link: {target}"));
    }
    found
}

#[test]
fn every_page_has_its_chinese_page() {
    let expected: BTreeSet<String> = pages().into_values().collect();
    let is_chinese = |name: &String| name == "README.zh-CN.md" || name.starts_with("docs/zh-CN/");
    let found: BTreeSet<String> = files().into_iter().filter(is_chinese).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty(), "there is no {missing:?}");
    assert!(extra.is_empty(), "without an English page: {extra:?}");
}

#[test]
fn chinese_pages_follow_the_english_ones() {
    let pages = pages();
    let mut found = Vec::new();
    for (page, chinese) in pages.iter().filter(|(_, chinese)| read(chinese).is_some()) {
        let differences = differences(&pages, page, chinese);
        found.extend(differences.iter().map(|what| format!("{chinese}: {what}")));
    }
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn only_comments_of_code_may_differ() {
    let english = "```c\nf(1); // one\n/* two\n * three */\n```\n";
    let is_same = |page: &str| code(page) == code(english);
    assert!(is_same("```c\nf(1); // 一\n/* 二\n * 三 */\n```\n"));
    assert!(!is_same("```c\nf(2); // one\n/* two\n * three */\n```\n"));
    assert!(!is_same("```cpp\nf(1); // one\n/* two\n * three */\n```\n"));
    assert!(!is_same("```c\nf(1); // one\n```\n"));
    let pascal = "```pascal\nF(1); { one }\n```\n";
    assert_eq!(code(pascal), code("```pascal\nF(1); { 一 }\n```\n"));
    assert_ne!(
        code("```go\nf := g{ 1 }\n```\n"),
        code("```go\nf := g{ 2 }\n```\n")
    );
    assert_ne!(
        code("```sh\ncurl http://a\n```\n"),
        code("```sh\ncurl http://b\n```\n")
    );
}
