//! The pictures of the pages, as far as they are text (SVG): they can be read on a dark page and by
//! a screen reader, are small, and share one style; a Chinese picture is the English one with other
//! words.

use std::collections::BTreeSet;

use wxlink_testkit::markdown::{links, resolved};
use wxlink_testkit::{files, root};

/// Pictures load with the page.
const MAX_BYTES: usize = 20_000;

/// The pictures in `docs`, with their texts.
fn pictures() -> Vec<(String, String)> {
    let is_picture = |name: &String| name.starts_with("docs/") && name.ends_with(".svg");
    let names = files().into_iter().filter(is_picture);
    let pictures: Vec<_> = names
        .map(|name| {
            let text = std::fs::read_to_string(root().join(&name)).unwrap();
            (name, text)
        })
        .collect();
    assert!(pictures.len() > 10, "only {} pictures", pictures.len());
    pictures
}

/// The attribute of the first tag with this name: its value, in double quotes.
fn attribute<'t>(text: &'t str, tag: &str, name: &str) -> Option<&'t str> {
    let (_, after) = text.split_once(&format!("<{tag} "))?;
    let (attributes, _) = after.split_once('>')?;
    let (_, value) = attributes.split_once(&format!("{name}=\""))?;
    value.split('"').next()
}

/// The text of the first element with this name.
fn content<'t>(text: &'t str, tag: &str) -> Option<&'t str> {
    let (_, after) = text.split_once(&format!("<{tag}"))?;
    let (_, content) = after.split_once('>')?;
    let (content, _) = content.split_once(&format!("</{tag}>"))?;
    (!content.trim().is_empty()).then_some(content)
}

/// What is wrong with a picture.
fn faults(text: &str) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if text.len() > MAX_BYTES {
        faults.push("it is too large");
    }
    let is_described = content(text, "title").is_some() && content(text, "desc").is_some();
    let is_labelled = attribute(text, "svg", "aria-labelledby") == Some("title desc");
    if attribute(text, "svg", "role") != Some("img") || !is_described || !is_labelled {
        faults.push("a screen reader has no role, no title or no description");
    }
    // The first rectangle is the background: without it, dark text is on a dark page.
    for side in ["width", "height"] {
        let of_background = attribute(text, "rect", side);
        if of_background != Some("100%") && of_background != attribute(text, "svg", side) {
            faults.push("the first rectangle does not cover the picture");
        }
    }
    faults
}

/// What the tag of a Chinese picture has in addition, so that it gets Chinese fonts and a Chinese
/// voice.
const CHINESE: &str = " lang=\"zh-CN\"";

/// The drawing without its words.
fn without_words(text: &str) -> String {
    let mut drawing = String::new();
    for (index, part) in text.split('<').enumerate() {
        let (tag, words) = part.split_once('>').unwrap_or((part, ""));
        if index > 0 {
            drawing += &format!("<{tag}>");
        }
        // Style sheets are part of the drawing.
        if tag == "style" {
            drawing += words;
        }
    }
    drawing
}

#[test]
fn every_picture_has_a_description_and_a_background_and_is_small() {
    for (name, text) in pictures() {
        assert_eq!(faults(&text), [""; 0], "{name}");
    }
}

#[test]
fn drawn_pictures_share_one_style() {
    let pictures = pictures();
    let (_, layers) = pictures
        .iter()
        .find(|(name, _)| name == "docs/layers.svg")
        .unwrap();
    let style = content(layers, "style").unwrap();
    for (name, text) in &pictures {
        if let Some(other) = content(text, "style") {
            assert_eq!(other, style, "{name}");
        }
    }
}

#[test]
fn a_chinese_picture_is_the_english_one_with_other_words() {
    let pictures = pictures();
    let mut count = 0;
    for (name, text) in &pictures {
        let Some(stem) = name.strip_suffix("-zh.svg") else {
            continue;
        };
        let english = pictures
            .iter()
            .find(|(other, _)| other.strip_suffix(".svg") == Some(stem));
        let (_, english) = english.unwrap_or_else(|| panic!("{name} has no English picture"));
        assert_eq!(attribute(text, "svg", "lang"), Some("zh-CN"), "{name}");
        let text = &text.replacen(CHINESE, "", 1);
        assert_ne!(text, english, "{name}");
        // What a terminal shows is wrapped in other places.
        if !name.starts_with("docs/terminal") {
            assert_eq!(without_words(text), without_words(english), "{name}");
            count += 1;
        }
    }
    assert!(count > 0, "no drawn picture or chart");
}

#[test]
fn a_chinese_page_shows_the_chinese_pictures() {
    let files: BTreeSet<String> = files().into_iter().collect();
    let mut count = 0;
    for page in &files {
        let is_chinese = page == "README.zh-CN.md" || page.starts_with("docs/zh-CN/");
        if !is_chinese || !page.ends_with(".md") {
            continue;
        }
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        for picture in links(&text).iter().filter_map(|link| resolved(page, link)) {
            let Some((stem, kind)) = picture.rsplit_once('.') else {
                continue;
            };
            let chinese = format!("{stem}-zh.{kind}");
            assert!(!files.contains(&chinese), "{page} shows {picture}");
            count += usize::from(stem.ends_with("-zh"));
        }
    }
    assert!(count > 0, "no Chinese picture is shown");
}
