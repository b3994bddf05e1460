//! JSON files that are too large for memory: the elements of one array of the outermost object, one at a time.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Deserializer, de};

use super::bounded::{Budget, open_bounded};
use super::open;
use crate::error::CvrError;

/// Reads a whole file that is small enough.
pub(super) fn whole<T: DeserializeOwned>(path: &Path, most: u64) -> Result<T, CvrError> {
    let file = open(path)?;
    let bytes = file.metadata().map_err(|source| CvrError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() > most {
        return Err(CvrError::TooLarge {
            path: path.to_owned(),
            most,
        });
    }
    definitions(path)
}

/// Reads what a type takes of a file, of any size: what it does not take is skipped without being kept.
pub(super) fn definitions<T: DeserializeOwned>(path: &Path) -> Result<T, CvrError> {
    let (reader, _) = open_bounded(path)?;
    serde_json::from_reader(reader).map_err(|source| CvrError::Json {
        path: path.to_owned(),
        source,
    })
}

/// Gives each element of the array `field` to `each`, with its number from 1.
pub(super) fn each_element<T, F>(path: &Path, field: &str, each: F) -> Result<(), CvrError>
where
    T: DeserializeOwned,
    F: FnMut(u64, T) -> Result<(), CvrError>,
{
    let (reader, budget) = open_bounded(path)?;
    let mut elements = Elements {
        each,
        budget,
        stopped: None,
        element: PhantomData,
    };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Object {
        field,
        elements: &mut elements,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    match (elements.stopped, read) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(CvrError::Json {
            path: path.to_owned(),
            source,
        }),
        (None, Ok(())) => Ok(()),
    }
}

/// What takes the elements.
struct Elements<T, F> {
    each: F,
    budget: Budget,
    /// Why reading stopped, if the cause is not the JSON itself.
    stopped: Option<CvrError>,
    element: PhantomData<T>,
}

struct Object<'a, T, F> {
    field: &'a str,
    elements: &'a mut Elements<T, F>,
}

impl<'de, T, F> DeserializeSeed<'de> for Object<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(u64, T) -> Result<(), CvrError>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T, F> de::Visitor<'de> for Object<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(u64, T) -> Result<(), CvrError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the array {}", self.field)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.field {
                found = true;
                map.next_value_seed(Array(&mut *self.elements))?;
            } else {
                self.elements.budget.lift();
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found {
            Ok(())
        } else {
            Err(A::Error::custom(format!("no field {}", self.field)))
        }
    }
}

struct Array<'a, T, F>(&'a mut Elements<T, F>);

impl<'de, T, F> DeserializeSeed<'de> for Array<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(u64, T) -> Result<(), CvrError>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T, F> de::Visitor<'de> for Array<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(u64, T) -> Result<(), CvrError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut number = 0;
        self.0.budget.renew();
        while let Some(element) = seq.next_element::<T>()? {
            number += 1;
            if let Err(error) = (self.0.each)(number, element) {
                self.0.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
            self.0.budget.renew();
        }
        Ok(())
    }
}

/// An id: a number in some exports, a text in others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Number(i64),
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}
