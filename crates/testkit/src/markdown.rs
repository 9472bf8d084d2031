//! Reads the pages: their links, anchors, headings, code blocks and tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

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
pub fn links(page: &str) -> Vec<String> {
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
pub fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in without_code_blocks(page).lines() {
        if let Some((_, heading)) = heading(line) {
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
pub fn resolved(page: &str, path: &str) -> Option<String> {
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

/// The levels of the headings, in their order.
pub fn heading_levels(page: &str) -> Vec<usize> {
    let text = without_code_blocks(page);
    let levels = text.lines().filter_map(|line| Some(heading(line)?.0));
    levels.collect()
}

/// The level and the text of a line that is a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then_some((level, text))
}

/// The fenced code blocks, each with the line that opens it.
pub fn code_blocks(page: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence && !is_code {
            blocks.push(String::new());
        }
        if is_code || is_fence {
            let block = blocks.last_mut().unwrap();
            *block += line;
            block.push('\n');
        }
        is_code ^= is_fence;
    }
    blocks
}

/// The number of columns of each row of each table, heads included.
pub fn tables(page: &str) -> Vec<Vec<usize>> {
    let text = without_code_blocks(page);
    let mut tables = Vec::new();
    let mut table = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('|') {
            table.push(line.replace("\\|", "").matches('|').count() - 1);
        } else if !table.is_empty() {
            tables.push(std::mem::take(&mut table));
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_parts_of_a_page_are_found() {
        let page = "# A\n```sh\n# b\n| c |\n```\n## D\n| e | f\\|g |\n|---|---|\n\n| h |\n|---|\n";
        assert_eq!(heading_levels(page), [1, 2]);
        assert_eq!(code_blocks(page), ["```sh\n# b\n| c |\n```\n"]);
        assert_eq!(tables(page), [vec![2, 2], vec![1, 1]]);
    }
}
