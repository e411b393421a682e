//! Which backend supports which case, as a page for people.

use std::fmt::Write;

use pocketvision_core::Backend;

use crate::runner::supports;
use crate::{Case, CaseError, build};

/// The page `docs/ops.md`: a row for each case, a column for each backend, from asking each
/// backend and not from running it.
///
/// ```
/// use pocketvision_conformance::support_table;
/// use pocketvision_reference::ReferenceBackend;
///
/// let page = support_table(&[&ReferenceBackend::new()])?;
/// assert!(page.contains("| case | reference |"));
/// # Ok::<(), pocketvision_conformance::CaseError>(())
/// ```
///
/// # Errors
/// If a case cannot be read or built.
pub fn support_table(backends: &[&dyn Backend]) -> Result<String, CaseError> {
    let mut page = String::from(PREAMBLE);
    let mut group = String::new();
    for case in crate::cases()? {
        if case.group != group {
            group.clone_from(&case.group);
            let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
            let _ = write!(page, "\n## {group}\n\n| case | {} |\n", names.join(" | "));
            let _ = writeln!(page, "|---|{}", "---|".repeat(names.len()));
        }
        let cells = backends
            .iter()
            .map(|backend| cell(*backend, &case))
            .collect::<Result<Vec<String>, CaseError>>()?;
        let _ = writeln!(page, "| {} | {} |", case.name, cells.join(" | "));
    }
    Ok(page)
}

fn cell(backend: &dyn Backend, case: &Case) -> Result<String, CaseError> {
    let mut supported = Vec::new();
    for &elements in &case.elements {
        let built = build(case, elements).map_err(|source| CaseError::Graph {
            case: format!("{}/{}", case.group, case.name),
            source,
        })?;
        if supports(backend, &built.graph).is_ok() {
            supported.push(elements.name().replace("int8_per_tensor", "int8 with zero point"));
        }
    }
    Ok(if supported.is_empty() { "no".to_owned() } else { supported.join(", ") })
}

const PREAMBLE: &str = "\
# What each backend supports

Generated from the conformance cases in `crates/conformance/cases` by the test
`the_support_table_is_up_to_date`; run it with `POCKETVISION_BLESS=1` to write this page anew.
Every entry is also tested: the backend's result must equal the reference's, bit for bit in
int8 and within the bound of `docs/numerics.md` in f32.
";

#[cfg(test)]
mod tests {
    use pocketvision_reference::ReferenceBackend;

    use super::*;

    #[test]
    fn the_reference_supports_every_case() {
        let page = support_table(&[&ReferenceBackend::new()]).unwrap();
        assert!(page.lines().count() > 80, "{page}");
        assert!(!page.contains("| no |"), "{page}");
    }
}
