//! Walks through a value and its shape side by side: finds all that is wrong, and writes the value as the API wants it.

use serde_json::{Map as Object, Value};

use super::super::fault::Fault;
use super::super::reader::{Read, is_given, is_same, unknown_names};
use super::super::scalar::{MAX_COUNT, no_list, private, text, whole, word};
use super::table::{self, Limits, List, Map, Shape, Structure, Text, Whole};
use super::{Api, pattern};

/// How deep lists and objects may stand inside each other. `configurations` hold `configurations`, without a limit that is
/// published; Spark's own have one or two of them.
const MAX_DEPTH: usize = 100;

/// Lists of arguments, where an empty text is one. In other lists it is an element that was left out.
pub(super) const ARGUMENTS: [&str; 2] = ["EntryPointArguments", "XmlStringList"];

/// What may hold secrets, as arguments may, although its model does not say so: properties of a step, and what a job
/// template's placeholders become.
pub(super) const PRIVATE: [&str; 2] = ["KeyValueList", "TemplateParameterInputMap"];

/// A place in a request, and what must be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    api: Api,
    /// What the model calls its shape.
    name: &'static str,
    depth: usize,
}

impl Slot {
    /// The request as a whole.
    pub fn request(api: Api) -> Self {
        Self::named(api, "Request")
    }

    /// What the model calls `name`, wherever it stands.
    pub fn named(api: Api, name: &'static str) -> Self {
        Self { api, name, depth: 0 }
    }

    /// What is inside as `step`: a member, in whichever spelling, or what the model calls `member`, `key` and `value`.
    pub fn inside(self, step: &str) -> Option<Self> {
        match (self.shape(), step) {
            (Shape::Structure(structure), _) => {
                let found = structure.members.iter().find(|(member, _)| is_same(member, step));
                found.map(|(_, shape)| self.inner(shape))
            }
            (Shape::List(list), "member") => Some(self.inner(&list.member)),
            (Shape::Map(map), "key") => Some(self.inner(&map.key)),
            (Shape::Map(map), "value") => Some(self.inner(&map.value)),
            _ => None,
        }
    }

    /// What must be there.
    pub fn shape(self) -> &'static Shape {
        table::shape(self.api, self.name)
    }

    /// What is wrong with a text that goes there, to go on after a path; nothing where no text goes there.
    pub fn problem(self, text: &str) -> Option<String> {
        let shape = self.shape();
        match shape {
            Shape::String(rules) => text_problem(rules, shape.limits(), text),
            _ => None,
        }
    }

    fn inner(self, name: &'static str) -> Self {
        Self { name, depth: self.depth + 1, ..self }
    }
}

/// Reads what is given at a place; none where it is nothing, or where nothing is given inside of it.
pub(super) fn check(slot: Slot, value: &Value) -> Read<Option<Value>> {
    if is_given(value) { check_given(slot, value) } else { Ok(None) }
}

fn check_given(slot: Slot, value: &Value) -> Read<Option<Value>> {
    if slot.depth > MAX_DEPTH {
        return Err(vec![Fault::new(format!("must be nested {MAX_DEPTH} levels deep at most"))]);
    }
    let shape = slot.shape();
    let read = match shape {
        Shape::Structure(structure) => check_structure(slot, structure, value),
        Shape::List(list) => check_list(slot, list, value),
        Shape::Map(map) => check_map(slot, map, value),
        Shape::String(rules) => check_text(slot, rules, value).map(|text| Some(text.into())),
        Shape::Integer(limits) | Shape::Long(limits) => check_number(limits, value).map(|number| Some(number.into())),
        Shape::Boolean {} => check_boolean(value).map(|is_true| Some(is_true.into())),
    };
    let is_private = shape.is_sensitive() || ARGUMENTS.contains(&slot.name) || PRIVATE.contains(&slot.name);
    read.map_err(|faults| if is_private { private(faults) } else { faults })
}

fn check_structure(slot: Slot, structure: &'static Structure, value: &Value) -> Read<Option<Value>> {
    let given = object(value)?;
    let spelling = Spelling::of(given);
    let (mut read, mut faults) = (Object::new(), Vec::new());
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (member, shape) in &structure.members {
        let name = spelling.spell(member);
        match check_member(slot.inner(shape), given, member) {
            Ok(None) if structure.required.contains(member) => missing.push(name),
            Ok(None) => {}
            Ok(Some(value)) => {
                found.push(name);
                read.insert(member.clone(), value);
            }
            Err(more) => {
                found.push(name);
                faults.extend(more);
            }
        }
    }
    if structure.union && found.len() > 1 {
        faults.push(Fault::new(format!("must have only one of {}", found.join(" and "))));
    }
    let known: Vec<String> = structure.members.keys().map(|member| spelling.spell(member)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let unknown = given.keys().map(String::as_str).filter(|name| !known.iter().any(|known| is_same(known, name)));
    let unknown = unknown_names(unknown, &known, |name| left_out(slot, name), faults.len());
    // A structure in which nothing is given is one that was left out.
    if !(found.is_empty() && unknown.is_empty()) {
        faults.extend(missing.iter().map(|member| Fault::new("required").under(member)));
    }
    faults.extend(unknown);
    whole_or(read, faults)
}

/// To whom a member belongs that the API has and `shapes.json` leaves out.
fn left_out(slot: Slot, name: &str) -> Option<&'static str> {
    let is_hive = (slot.api, slot.name) == (Api::EmrServerless, "JobDriver") && is_same(name, "hive");
    is_hive.then_some("to jobs of Hive, which run no Spark")
}

/// Reads a member in whichever spelling it is given.
fn check_member(slot: Slot, given: &Object<String, Value>, member: &str) -> Read<Option<Value>> {
    let mut spelt = given.iter().filter(|(name, value)| is_same(name, member) && is_given(value));
    match (spelt.next(), spelt.next()) {
        (Some((first, _)), Some((second, _))) => {
            Err(vec![Fault::new(format!("given twice, as {first} and as {second}")).under(second)])
        }
        (Some((name, value)), None) => check(slot, value).map_err(|faults| under(faults, name)),
        _ => Ok(None),
    }
}

fn check_list(slot: Slot, list: &'static List, value: &Value) -> Read<Option<Value>> {
    let Some(elements) = value.as_array() else {
        return match table::shape(slot.api, &list.member) {
            Shape::String(_) => no_list("a list of strings", value),
            _ => Err(vec![Fault::wrong("must be a list", value).private()]),
        };
    };
    let check = if ARGUMENTS.contains(&slot.name) { check_given } else { check };
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    for (index, element) in elements.iter().enumerate() {
        match check(slot.inner(&list.member), element) {
            Ok(element) => read.extend(element),
            Err(more) => faults.extend(more.into_iter().map(|fault| fault.at(index))),
        }
    }
    faults.extend(count_fault(slot, read.len(), "elements"));
    if faults.is_empty() { Ok((!read.is_empty()).then(|| read.into())) } else { Err(faults) }
}

fn check_map(slot: Slot, map: &'static Map, value: &Value) -> Read<Option<Value>> {
    let (mut read, mut faults) = (Object::new(), Vec::new());
    for (key, value) in object(value)?.iter().filter(|(_, value)| is_given(value)) {
        let name_fault = slot.inner(&map.key).problem(key).map(|problem| Fault::new(format!("its name {problem}")));
        faults.extend(name_fault.map(|fault| fault.under(key)));
        match check(slot.inner(&map.value), value) {
            Ok(value) => read.extend(value.map(|value| (key.clone(), value))),
            Err(more) => faults.extend(under(more, key)),
        }
    }
    faults.extend(count_fault(slot, read.len(), "entries"));
    whole_or(read, faults)
}

fn check_text(slot: Slot, rules: &'static Text, value: &Value) -> Read<String> {
    if !rules.words.is_empty() {
        let words: Vec<_> = rules.words.iter().map(|word| (word.as_str(), word)).collect();
        return word(&words)(value).cloned();
    }
    let text = text(value)?;
    match slot.problem(&text) {
        None => Ok(text),
        Some(problem) => Err(vec![Fault::wrong(problem, value)]),
    }
}

/// All numbers are counts of something, also where the model does not say from where they count.
fn check_number(limits: &Whole, value: &Value) -> Read<u32> {
    whole(limits.min.unwrap_or(0), limits.max.unwrap_or(MAX_COUNT))(value)
}

fn check_boolean(value: &Value) -> Read<bool> {
    match value {
        Value::Bool(is_true) => Ok(*is_true),
        _ => word(&[("true", true), ("false", false)])(value),
    }
}

fn text_problem(rules: &Text, limits: Limits, text: &str) -> Option<String> {
    // Patterns say that nothing may be blank, also of what may be empty.
    if text.is_empty() && limits.least == 0 {
        return None;
    }
    let unlike = rules.pattern.as_deref().and_then(|pattern| pattern::problem(pattern, text));
    let length = || match bound(limits, text.chars().count()) {
        Some(_) if text.is_empty() => Some("must not be empty".to_owned()),
        bound => bound.map(|bound| format!("must be {bound} characters long")),
    };
    unlike.map(str::to_owned).or_else(length)
}

fn count_fault(slot: Slot, count: usize, what: &str) -> Option<Fault> {
    let bound = bound(slot.shape().limits(), count).filter(|_| count > 0)?;
    Some(Fault::new(format!("must have {bound} {what}, got {count}")))
}

/// The limit that `count` is beyond.
fn bound(limits: Limits, count: usize) -> Option<String> {
    match limits {
        Limits { most: Some(most), .. } if count > most => Some(format!("at most {most}")),
        Limits { least, .. } if count < least => Some(format!("at least {least}")),
        Limits { .. } => None,
    }
}

fn object(value: &Value) -> Read<&Object<String, Value>> {
    // A text may be a whole description.
    value.as_object().ok_or_else(|| vec![Fault::wrong("must be an object", value).private()])
}

fn whole_or(read: Object<String, Value>, faults: Vec<Fault>) -> Read<Option<Value>> {
    if faults.is_empty() { Ok((!read.is_empty()).then(|| read.into())) } else { Err(faults) }
}

fn under(faults: Vec<Fault>, name: &str) -> Vec<Fault> {
    faults.into_iter().map(|fault| fault.under(name)).collect()
}

/// How an object's names begin.
#[derive(Clone, Copy)]
enum Spelling {
    /// As in the documentation of EMR on EKS and EMR Serverless.
    Camel,
    /// As in `CloudFormation`, Step Functions and EMR.
    Pascal,
}

impl Spelling {
    fn of(object: &Object<String, Value>) -> Self {
        let is_capital = |name: &String| name.starts_with(|c: char| c.is_ascii_uppercase());
        if object.keys().any(is_capital) { Self::Pascal } else { Self::Camel }
    }

    /// A member as it would be called here.
    fn spell(self, member: &str) -> String {
        let (first, rest) = member.split_at(1);
        match self {
            Self::Camel => first.to_ascii_lowercase() + rest,
            Self::Pascal => first.to_ascii_uppercase() + rest,
        }
    }
}
