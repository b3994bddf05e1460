//! XML files that are too large for memory: the children of the outermost element, one at a time.

use std::io::BufRead;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::bounded::{Budget, open_bounded};
use crate::error::CvrError;

/// The most elements in one another.
const MAX_DEPTH: usize = 64;

/// An element. Names are without prefix.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The children with this name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child with this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child with this name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.text.trim()
    }
}

/// Gives each child of the outermost element that has one of the names to `each`; what else there is is skipped.
pub(super) fn each_child(
    path: &Path,
    wanted: &[&str],
    mut each: impl FnMut(Element) -> Result<(), CvrError>,
) -> Result<(), CvrError> {
    let (reader, budget) = open_bounded(path)?;
    let mut xml = Xml {
        path,
        reader: Reader::from_reader(reader),
        budget: Some(budget),
        buffer: Vec::new(),
    };
    // The outermost element.
    loop {
        match xml.next()? {
            Step::Start(_) => break,
            Step::Empty(_) => return Ok(()),
            Step::End | Step::Eof => return Err(xml.error("no element".to_owned())),
            Step::Text(_) => {}
        }
    }
    loop {
        xml.renew_budget();
        match xml.next()? {
            Step::Start(start) if wanted.contains(&start.name.as_str()) => {
                let element = xml.element(start)?;
                each(element)?;
            }
            Step::Start(_) => xml.skip()?,
            Step::Empty(element) if wanted.contains(&element.name.as_str()) => each(element)?,
            Step::Empty(_) | Step::Text(_) => {}
            Step::End => return Ok(()),
            Step::Eof => return Err(xml.error("the file ends in an element".to_owned())),
        }
    }
}

/// Reads the bytes of a whole file as one element.
pub(super) fn whole(path: &Path, from: &[u8]) -> Result<Element, CvrError> {
    let mut xml = Xml {
        path,
        // Without the mark that Windows puts before UTF-8.
        reader: Reader::from_reader(from.strip_prefix(b"\xef\xbb\xbf").unwrap_or(from)),
        budget: None,
        buffer: Vec::new(),
    };
    loop {
        match xml.next()? {
            Step::Start(start) => return xml.element(start),
            Step::Empty(element) => return Ok(element),
            Step::End | Step::Eof => return Err(xml.error("no element".to_owned())),
            Step::Text(_) => {}
        }
    }
}

/// What comes next in a file. An element that starts has no children yet.
enum Step {
    Start(Element),
    Empty(Element),
    End,
    Text(String),
    Eof,
}

struct Xml<'p, R> {
    path: &'p Path,
    reader: Reader<R>,
    /// Of the child at hand, where there are several.
    budget: Option<Budget>,
    buffer: Vec<u8>,
}

impl<R: BufRead> Xml<'_, R> {
    fn error(&self, problem: String) -> CvrError {
        CvrError::Xml {
            path: self.path.to_owned(),
            position: self.reader.buffer_position(),
            problem,
        }
    }

    fn renew_budget(&self) {
        if let Some(budget) = &self.budget {
            budget.renew();
        }
    }

    fn next(&mut self) -> Result<Step, CvrError> {
        loop {
            self.buffer.clear();
            let step = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => step_of(event),
                Err(error) => Err(error.to_string()),
            };
            match step {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(problem) => return Err(self.error(problem)),
            }
        }
    }

    /// Reads what an element contains.
    fn element(&mut self, start: Element) -> Result<Element, CvrError> {
        // The elements around the next one, from outside in: recursion would be as deep as the file says.
        let mut around: Vec<Element> = Vec::new();
        let mut element = start;
        loop {
            match self.next()? {
                Step::Start(child) => {
                    if around.len() == MAX_DEPTH {
                        return Err(
                            self.error(format!("more than {MAX_DEPTH} elements in one another"))
                        );
                    }
                    around.push(std::mem::replace(&mut element, child));
                }
                Step::Empty(child) => element.children.push(child),
                Step::Text(text) => element.text.push_str(&text),
                Step::End => match around.pop() {
                    None => return Ok(element),
                    Some(parent) => {
                        let child = std::mem::replace(&mut element, parent);
                        element.children.push(child);
                    }
                },
                Step::Eof => return Err(self.error("the file ends in an element".to_owned())),
            }
        }
    }

    /// Leaves out what an element contains.
    fn skip(&mut self) -> Result<(), CvrError> {
        let mut depth = 1_u64;
        while depth > 0 {
            self.renew_budget();
            match self.next()? {
                Step::Start(_) => depth += 1,
                Step::End => depth -= 1,
                Step::Empty(_) | Step::Text(_) => {}
                Step::Eof => return Err(self.error("the file ends in an element".to_owned())),
            }
        }
        Ok(())
    }
}

/// What an event means here; nothing for comments and the like.
fn step_of(event: Event<'_>) -> Result<Option<Step>, String> {
    Ok(Some(match event {
        Event::Start(start) => Step::Start(started(&start)?),
        Event::Empty(start) => Step::Empty(started(&start)?),
        Event::End(_) => Step::End,
        Event::Text(text) => Step::Text(text.to_string()),
        Event::CData(text) => Step::Text(text.to_string()),
        Event::GeneralRef(reference) => {
            let reference = format!("&{};", &*reference);
            let text = quick_xml::escape::unescape(&reference).map_err(|e| e.to_string())?;
            Step::Text(text.into_owned())
        }
        Event::Eof => Step::Eof,
        _ => return Ok(None),
    }))
}

fn started(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element {
        name: start.local_name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|e| e.to_string())?;
        element.attributes.push((
            attribute.key.local_name().as_ref().to_owned(),
            value.into_owned(),
        ));
    }
    Ok(element)
}
