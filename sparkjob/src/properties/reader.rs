//! Reads an object's properties one by one, goes on after a fault, and knows in the end which names nobody asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::{Fault, MAX_TOLD, nearest};

/// What a property is read to, or all that is wrong with it; the paths begin at the property itself.
pub(super) type Read<T> = Result<T, Vec<Fault>>;

/// Where in a property something is that is read as if it stood beside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Within {
    /// In the object that it is.
    Object,
    /// In the only element of the list that it is.
    OnlyElement,
}

impl Within {
    fn place(self, fault: Fault, name: &str) -> Fault {
        match self {
            Self::Object => fault.under(name),
            Self::OnlyElement => fault.at(0).under(name),
        }
    }
}

/// An object that is being read.
pub(super) struct Reader<'a> {
    left: BTreeMap<&'a str, &'a Value>,
    known: Vec<&'static str>,
    /// What was taken out of a property of this name, as if it stood beside it.
    unpacked: Vec<(&'static str, &'static str, Within)>,
    /// What was taken for a property of this name, and how it is spelt.
    spelt: Vec<(&'static str, String)>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// A reader of `value`, in which null is an empty object.
    pub fn over(value: &'a Value) -> Read<Self> {
        if value.is_object() || value.is_null() {
            Ok(Self::over_any(value))
        } else {
            // A text may be a whole description.
            Err(vec![Fault::wrong("must be an object", value).private()])
        }
    }

    /// A reader of `value`, in which all that is no object is an empty one.
    pub fn over_any(value: &'a Value) -> Self {
        let properties = value.as_object().into_iter().flatten();
        let left = properties.map(|(name, value)| (name.as_str(), value)).collect();
        Self { left, known: Vec::new(), unpacked: Vec::new(), spelt: Vec::new(), faults: Vec::new() }
    }

    /// Reads the property `name`; none where it is absent, and where it is faulty, which is kept in mind.
    pub fn take<T>(&mut self, name: &'static str, read: impl FnOnce(&Value) -> Read<T>) -> Option<T> {
        self.take_partly(name, |value| {
            read(value).map_or_else(|faults| (None, faults), |read| (Some(read), Vec::new()))
        })
    }

    /// Reads the property `name`, which has a default where it is absent; none where it is faulty.
    pub fn take_or_default<T: Default>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Read<T>,
    ) -> Option<T> {
        let is_absent = !self.has(name);
        let read = self.take(name, read);
        if is_absent { Some(T::default()) } else { read }
    }

    /// Reads as much of the property `name` as can be read, and keeps the rest in mind.
    pub fn take_partly<T: Default>(&mut self, name: &'static str, read: impl FnOnce(&Value) -> (T, Vec<Fault>)) -> T {
        self.known.push(name);
        let Some(value) = self.left.remove(name).filter(|value| is_given(value)) else {
            return T::default();
        };
        let (read, faults) = read(value);
        self.faults.extend(faults.into_iter().map(|fault| fault.under(name)));
        read
    }

    /// Calls it a fault where the property `name` is absent; `what` goes on after `required: `.
    pub fn require(&mut self, name: &'static str, what: &str) {
        if !self.has(name) {
            self.fault(Fault::new(format!("required: {what}")).under(name));
        }
    }

    /// Passes over the property `name`, which is somebody else's.
    pub fn skip(&mut self, name: &'static str) {
        self.left.remove(name);
    }

    /// Refuses the property `name`, which the target has no place for; `problem` says so.
    pub fn take_foreign(&mut self, name: &'static str, problem: &str) {
        self.take(name, |value| if is_left_out(value) { Ok(()) } else { Err(vec![Fault::new(problem)]) });
    }

    /// Takes a property that is called `spelt` for `name`; its faults have their paths in what it is called.
    pub fn accept(&mut self, spelt: &str, name: &'static str) {
        let Some(value) = self.left.remove(spelt).filter(|value| is_given(value)) else { return };
        if self.has(name) {
            let first = self.spelt.iter().find(|(of, _)| *of == name).map_or(name, |(_, first)| first.as_str());
            self.fault(Fault::new(format!("given twice, as {spelt} and as {first}")).under(name));
        } else {
            self.left.insert(name, value);
            self.spelt.push((name, spelt.to_owned()));
        }
    }

    /// Takes the `members` of what is `within` the property `name`, in whichever spelling, as if they stood beside it; their
    /// faults have their paths in it. Any other member is a fault, and so is what is no such thing: that `problem`.
    pub fn unpack(&mut self, name: &'static str, within: Within, members: &[&'static str], problem: &str) {
        let Some(value) = self.left.remove(name).filter(|value| !is_left_out(value)) else { return };
        let inside = match (within, value.as_array().map(Vec::as_slice)) {
            (Within::Object, _) => value.as_object(),
            (Within::OnlyElement, Some([only])) => only.as_object(),
            (Within::OnlyElement, _) => None,
        };
        let Some(inside) = inside else { return self.fault(Fault::wrong(problem, value).private().under(name)) };
        for (given, value) in inside.iter().filter(|(_, value)| is_given(value)) {
            let Some(member) = members.iter().find(|member| is_same(member, given)) else { continue };
            if self.has(member) {
                self.fault(Fault::new(format!("given twice, once in {name}")).under(member));
            } else {
                self.left.insert(member, value);
                self.unpacked.push((member, name, within));
                self.spelt.push((member, given.clone()));
            }
        }
        let is_unknown = |given: &&str| !members.iter().any(|member| is_same(member, given));
        let unknown = inside.keys().map(String::as_str).filter(is_unknown);
        let unknown = unknown_names(unknown, members, |_| None, self.faults.len());
        self.faults.extend(unknown.into_iter().map(|fault| within.place(fault, name)));
    }

    /// Whether the property `name` is given and not yet taken.
    pub fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| is_given(value))
    }

    /// Whether anything is given in the property `name`, which is not yet taken.
    pub fn has_any(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(|value| !is_left_out(value))
    }

    /// Whether a fault of the property `name`, or of something in it, is kept in mind.
    pub fn has_fault(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.is_in(name))
    }

    /// Keeps a fault in mind that only several properties together show.
    pub fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Whether no property that was asked for has a fault so far.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Every name that was asked for.
    pub fn into_known(self) -> Vec<&'static str> {
        self.known
    }

    /// All faults; a name that was not asked for is one. `place_of` tells where a name belongs that is known elsewhere: there is nothing
    /// misplaced about an empty one.
    pub fn finish(mut self, place_of: impl Fn(&str) -> Option<&'static str>) -> Vec<Fault> {
        let is_told = |name: &str, value: &Value| !is_left_out(value) || place_of(name).is_none();
        let left = self.left.iter().filter(|(name, value)| is_told(name, value)).map(|(name, _)| *name);
        let unknown = unknown_names(left, &self.known, &place_of, self.faults.len());
        self.faults.extend(unknown);
        let Self { faults, unpacked, spelt, .. } = self;
        let as_given = |fault: Fault| match spelt.iter().find(|(name, _)| fault.is_in(name)) {
            Some((name, spelt)) => fault.renamed(name, spelt),
            None => fault,
        };
        let placed = faults.into_iter().map(|fault| match unpacked.iter().find(|(member, ..)| fault.is_in(member)) {
            Some((_, name, within)) => as_given(within.place(as_given(fault), name)),
            None => as_given(fault),
        });
        placed.collect()
    }
}

/// A fault for each of `names`, which are unknown: with the one that was meant of those that are `known`, or with all of
/// them. So many others are `told` before them.
pub(super) fn unknown_names<'n>(
    names: impl Iterator<Item = &'n str>,
    known: &[&str],
    place_of: impl Fn(&str) -> Option<&'static str>,
    told: usize,
) -> Vec<Fault> {
    let mut listed = false;
    let fault = |(index, name)| {
        let problem = if told + index >= MAX_TOLD {
            // Nobody sees it, and a hundred thousand searches take a while.
            "unknown".to_owned()
        } else if let Some(place) = place_of(name) {
            format!("unknown here; it belongs {place}")
        } else if let Some(near) = nearest(name, known) {
            format!("unknown; did you mean {near}?")
        } else if listed {
            "unknown".to_owned()
        } else {
            // Once is enough: the list is longer than any other fault.
            listed = true;
            let are = if known.len() == 1 { "is" } else { "are" };
            format!("unknown; known {are} {}", known.join(", "))
        };
        Fault::new(problem).under(name)
    };
    names.enumerate().map(fault).collect()
}

/// Whether two names are the same but for the case of their first letter.
pub(super) fn is_same(name: &str, other: &str) -> bool {
    match (name.split_at_checked(1), other.split_at_checked(1)) {
        (Some((first, rest)), Some((other_first, other_rest))) => {
            first.eq_ignore_ascii_case(other_first) && rest == other_rest
        }
        _ => name == other,
    }
}

/// Whether nothing is given anywhere in it, as far as objects go: an empty text in a list is an argument.
fn is_left_out(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.values().all(is_left_out),
        _ => !is_given(value),
    }
}

/// An empty text is an optional template parameter that was left out.
pub(super) fn is_given(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::scalar::text;
    use super::*;

    fn told(faults: &[Fault]) -> Vec<String> {
        faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_or_with_all() {
        let value = json!({"Filee": 1, "Color": 2, "Blue": 3, "Mode": "BATCH"});
        let mut reader = Reader::over_any(&value);
        assert_eq!(reader.take("File", text), None);
        assert_eq!(reader.take("Args", text), None);
        let faults = reader.finish(|name| (name == "Mode").then_some("beside it"));
        assert_eq!(
            told(&faults),
            [
                "Blue: unknown; known are File, Args",
                "Color: unknown",
                "Filee: unknown; did you mean File?",
                "Mode: unknown here; it belongs beside it",
            ]
        );
    }

    #[test]
    fn empty_is_absent() {
        let value = json!({"A": "", "B": null});
        let mut reader = Reader::over_any(&value);
        assert_eq!(reader.take("A", text), None);
        assert_eq!(reader.take("B", text), None);
        assert_eq!(told(&reader.finish(|_| None)), Vec::<String>::new());
    }

    #[test]
    fn what_belongs_elsewhere_is_no_fault_where_nothing_is_given_in_it() {
        let value = json!({
            "A": {"Max": ""}, "B": {"Inner": {"Max": null}, "List": []}, "C": {"Args": [""]}, "D": {"Max": ""}, "E": {"Max": 1},
        });
        let mut reader = Reader::over_any(&value);
        for name in ["A", "B", "C"] {
            reader.take_foreign(name, "not here");
        }
        let faults = reader.finish(|name| ["D", "E"].contains(&name).then_some("there"));
        assert_eq!(told(&faults), ["C: not here", "E: unknown here; it belongs there"]);
    }

    #[test]
    fn a_default_stands_for_what_is_absent_and_not_for_what_is_faulty() {
        let value = json!({"A": "", "B": ["x"], "C": "x"});
        let mut reader = Reader::over_any(&value);
        let mut take = |name| reader.take_or_default(name, text);
        assert_eq!((take("A"), take("B"), take("C")), (Some(String::new()), None, Some("x".to_owned())));
        assert!(!reader.is_sound());
    }

    #[test]
    fn what_is_no_object_is_one_fault_that_does_not_quote_it() {
        for (value, kind) in [(json!(["a"]), "a list"), (json!("{\"A\": 1}"), "a string of 8 characters")] {
            let fault = Reader::over(&value).err().expect("a fault");
            assert_eq!(told(&fault), [format!("must be an object, got {kind}")]);
        }
    }
}
