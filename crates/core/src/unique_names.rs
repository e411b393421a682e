//! Names that no two nodes share.

use std::collections::HashMap;

/// Hands out unique names: the second `conv` becomes `conv_2`. For importers: files may give two
/// nodes one name.
///
/// ```
/// use pocketvision_core::UniqueNames;
///
/// let mut names = UniqueNames::default();
/// assert_eq!(names.unique("conv"), "conv");
/// assert_eq!(names.unique("conv"), "conv_2");
/// ```
#[derive(Clone, Default, Debug)]
pub struct UniqueNames {
    /// For each name, the last number that was tried as its suffix.
    taken: HashMap<String, usize>,
}

impl UniqueNames {
    /// The name itself, or with the first suffix that is free. Costs the same on average however
    /// often a name was asked for.
    pub fn unique(&mut self, name: &str) -> String {
        if !self.taken.contains_key(name) {
            self.taken.insert(name.to_owned(), 1);
            return name.to_owned();
        }
        loop {
            let last = self.taken.get_mut(name).expect("just found");
            *last += 1;
            let candidate = format!("{name}_{last}");
            if !self.taken.contains_key(&candidate) {
                self.taken.insert(candidate.clone(), 1);
                return candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = UniqueNames::default();
        let given: Vec<String> =
            ["a", "a_2", "a", "a", "b"].into_iter().map(|name| names.unique(name)).collect();
        assert_eq!(given, ["a", "a_2", "a_3", "a_4", "b"]);
    }
}
