//! What somebody who mistyped a name may have meant.

/// A hint for an unknown name: the nearest known ones, or the first of all if none is near.
///
/// ```
/// assert_eq!(pocketvision::hint("gppu", ["cpu", "gpu"]), "did you mean 'gpu'?");
/// ```
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let wanted = name.to_lowercase();
    let mut near: Vec<(f64, &str)> = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), *candidate))
        .filter(|(similarity, _)| *similarity >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by_key(|(_, candidate)| *candidate);
    near.truncate(MOST_NAMED);
    let quoted: Vec<String> = near.iter().map(|(_, candidate)| format!("'{candidate}'")).collect();
    match quoted.split_last() {
        None => listed(&known),
        Some((only, [])) => format!("did you mean {only}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

fn listed(known: &[&str]) -> String {
    let first = known.iter().take(MOST_LISTED).copied().collect::<Vec<_>>().join(", ");
    match known.len().saturating_sub(MOST_LISTED) {
        0 => format!("known are: {first}"),
        more => format!("known are: {first} and {more} more"),
    }
}

/// Jaro-Winkler similarity from which two names look alike.
const ALIKE: f64 = 0.75;

/// Most near names in one hint.
const MOST_NAMED: usize = 3;

/// Most names in a hint if none is near.
const MOST_LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first() {
        let known = ["mobilenet-edgetpu-1.0", "mobilenet-v2-1.0", "cpu"];
        let hint = hint("mobilenet-edgtpu-1.0", known);
        assert!(hint.starts_with("did you mean 'mobilenet-edgetpu-1.0'"), "{hint}");
        assert!(!hint.contains("cpu?"), "{hint}");
    }

    #[test]
    fn without_anything_near_as_many_as_can_be_read_are_listed() {
        assert_eq!(hint("zebra", ["cpu", "gpu"]), "known are: cpu, gpu");
        let numbers: Vec<String> = (1..=65).map(|number| number.to_string()).collect();
        let hint = hint("zebra", numbers.iter().map(String::as_str));
        assert!(hint.starts_with("known are: 1, 2, "), "{hint}");
        assert!(hint.ends_with(", 20 and 45 more"), "{hint}");
    }
}
