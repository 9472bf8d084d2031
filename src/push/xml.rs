//! Reads the XML of pushes: elements with texts, no attributes. A DOCTYPE is refused, because
//! nothing in a push may define entities or refer to files.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use crate::model::lang::Text;
use crate::model::message::{Message, message};

/// The most elements of a push, and how deep they may be nested.
const MAX_ELEMENTS: usize = 1000;
const MAX_DEPTH: usize = 8;

/// An element with a text or with children.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// Reads a document and returns its root.
///
/// The root may be left open, or be closed by a second start tag: WeChat's own sample of an
/// `authorized` push ends in `<xml>`.
///
/// # Errors
/// What is wrong with the document, as a predicate. It contains nothing of the document.
pub(super) fn read(document: &str) -> Result<Element, Text> {
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}').trim());
    // The elements that are open, the root first.
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|_| NOT_XML)?;
        match event {
            Event::Start(_) if root.is_some() => return Err(NOT_XML),
            Event::Start(tag) => {
                let name = name(tag.name().as_ref())?;
                elements += 1;
                let is_end =
                    open.len() == 1 && open[0].name == name && !open[0].children.is_empty();
                if elements > MAX_ELEMENTS || open.len() >= MAX_DEPTH {
                    return Err(TOO_LARGE);
                }
                if is_end {
                    root = open.pop();
                } else {
                    open.push(Element {
                        name,
                        ..Element::default()
                    });
                }
            }
            Event::Empty(tag) => {
                let name = name(tag.name().as_ref())?;
                elements += 1;
                if elements > MAX_ELEMENTS {
                    return Err(TOO_LARGE);
                }
                let element = Element {
                    name,
                    ..Element::default()
                };
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None if root.is_none() => root = Some(element),
                    None => return Err(NOT_XML),
                }
            }
            // The reader checks that it closes the element that was opened last.
            Event::End(_) => {
                let closed = open.pop().ok_or(NOT_XML)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => root = Some(closed),
                }
            }
            Event::Text(text) => add(&mut open, text.xml10_content().map_err(|_| NOT_XML)?)?,
            Event::CData(text) => add(&mut open, text.decode().map_err(|_| NOT_XML)?)?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| NOT_XML)?;
                let resolved = match character {
                    Some(character) => character.to_string(),
                    None => {
                        let name = reference.decode().map_err(|_| NOT_XML)?;
                        resolve_predefined_entity(&name).ok_or(NOT_XML)?.into()
                    }
                };
                add(&mut open, resolved.into())?;
            }
            Event::DocType(_) => return Err(DOCTYPE),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    // Only the root may be left open.
    match (root, open.pop()) {
        (Some(root), None) => Ok(root),
        (None, Some(root)) if open.is_empty() && !root.children.is_empty() => Ok(root),
        _ => Err(NOT_XML),
    }
}

fn name(bytes: &[u8]) -> Result<String, Text> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| NOT_XML)
}

/// Adds a text to the innermost open element. Outside of the root there is white space only.
fn add(open: &mut [Element], text: Cow<'_, str>) -> Result<(), Text> {
    match open.last_mut() {
        Some(element) => element.text += &text,
        None if text.trim().is_empty() => {}
        None => return Err(NOT_XML),
    }
    Ok(())
}

impl Element {
    /// The text of the child with this name, without white space around it.
    ///
    /// # Errors
    /// There is no such child, it occurs several times, or it has no text.
    pub fn text(&self, name: &str) -> Result<&str, Message> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        match (named.next(), named.next()) {
            (Some(child), None) if child.children.is_empty() && !child.text.trim().is_empty() => {
                Ok(child.text.trim())
            }
            (Some(_), Some(_)) => Err(message!("it has several {name}", "含有多个 {name}")),
            _ => Err(message!("it has no {name}", "缺少 {name}")),
        }
    }

    /// The children as JSON, without those for which `is_left_out` holds. Children with the same
    /// name are an array. White space between children is left out.
    pub fn json(&self, is_left_out: &impl Fn(&str, &str) -> bool) -> Value {
        if self.children.is_empty() {
            return Value::from(self.text.trim());
        }
        let mut fields = Map::new();
        for child in &self.children {
            if is_left_out(&child.name, child.text.trim()) {
                continue;
            }
            let value = child.json(is_left_out);
            match fields.get_mut(&child.name) {
                None => {
                    fields.insert(child.name.clone(), value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(fields)
    }
}

const NOT_XML: Text = Text {
    en: "is not well-formed XML",
    zh: "不是格式正确的 XML",
};
const DOCTYPE: Text = Text {
    en: "has a DOCTYPE, which WeChat's pushes never have",
    zh: "含有 DOCTYPE，微信的推送中不会有",
};
const TOO_LARGE: Text = Text {
    en: "has too many elements, or is nested too deeply",
    zh: "元素过多，或嵌套过深",
};
