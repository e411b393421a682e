//! One test for each case, element type and backend.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use pocketvision_core::{Backend, Graph, Op, Unsupported};

use crate::{Case, Elements, Verdict, build, cases, judge};

/// A backend to be tested, or the reason why it is not here.
///
/// ```
/// use std::sync::Arc;
///
/// use pocketvision_conformance::{Expectations, Subject};
/// use pocketvision_reference::ReferenceBackend;
///
/// let defect = ("resize/half_pixel/int8".to_owned(), "rounds to even".to_owned());
/// let subject = Subject::new("mine", Arc::new(ReferenceBackend::new()))
///     .expecting(Expectations { failures: vec![defect] });
/// let missing = Subject::absent("gpu", "no adapter", false);
/// ```
#[derive(Clone)]
pub struct Subject {
    label: String,
    backend: Result<Arc<dyn Backend>, Absent>,
    expectations: Expectations,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("label", &self.label).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
struct Absent {
    reason: String,
    required: bool,
}

impl Subject {
    /// A backend under a label that starts its tests' names, as in `cpu-avx2`.
    pub fn new(label: impl Into<String>, backend: Arc<dyn Backend>) -> Self {
        Self { label: label.into(), backend: Ok(backend), expectations: Expectations::default() }
    }

    /// A backend that this machine does not have: its tests are ignored, or, if it is
    /// required, one test fails with the reason.
    pub fn absent(label: impl Into<String>, reason: impl Into<String>, required: bool) -> Self {
        let backend = Err(Absent { reason: reason.into(), required });
        Self { label: label.into(), backend, expectations: Expectations::default() }
    }

    /// The backend's known defects.
    #[must_use]
    pub fn expecting(self, expectations: Expectations) -> Self {
        Self { expectations, ..self }
    }
}

/// Known defects of a backend: (test name without the label, reason). Each must still fail.
#[derive(Clone, Default, Debug)]
pub struct Expectations {
    /// The defects.
    pub failures: Vec<(String, String)>,
}

/// Runs every case on every subject, as the `main` of a test without harness. Understands
/// the usual arguments of a Rust test program.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::sync::Arc;
///
/// use pocketvision_conformance::Subject;
/// use pocketvision_reference::ReferenceBackend;
///
/// // tests/conformance.rs of a backend, with `harness = false` in its Cargo.toml.
/// fn main() -> ExitCode {
///     let backend = Arc::new(ReferenceBackend::new());
///     pocketvision_conformance::main(vec![Subject::new("mine", backend)])
/// }
/// ```
pub fn main(subjects: Vec<Subject>) -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = match cases() {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for subject in &subjects {
        if let Err(absent) = &subject.backend {
            eprintln!("\n*** {} IS NOT TESTED: {} ***\n", subject.label, absent.reason);
            if absent.required {
                let reason = absent.reason.clone();
                let name = format!("{}::is_available", subject.label);
                trials.push(Trial::test(name, move || Err(Failed::from(reason))));
            }
        }
        for case in &cases {
            trials.extend(case.elements.iter().map(|&elements| trial(subject, case, elements)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(subject: &Subject, case: &Case, elements: Elements) -> Trial {
    let test = format!("{}/{}/{}", case.group, case.name, elements.name());
    let name = format!("{}::{test}", subject.label);
    let built = match build(case, elements) {
        Ok(built) => built,
        Err(error) => {
            let message = format!("the case cannot be built: {error}");
            return Trial::test(name, move || Err(Failed::from(message)));
        }
    };
    let backend = match &subject.backend {
        Ok(backend) => Arc::clone(backend),
        Err(absent) => {
            let reason = absent.reason.clone();
            return Trial::test(name, move || Err(Failed::from(reason))).with_ignored_flag(true);
        }
    };
    if let Err(unsupported) = supports(&*backend, &built.graph) {
        let reason = unsupported.to_string();
        return Trial::test(name, move || Err(Failed::from(reason)))
            .with_kind("unsupported")
            .with_ignored_flag(true);
    }
    let known = subject.expectations.failures.iter().find(|(known, _)| *known == test).cloned();
    Trial::test(name, move || {
        let (first, second) = (built.inputs(1), built.inputs(2));
        let verdict = judge(&*backend, &built.graph, [&first, &second]);
        match (verdict, known) {
            (Verdict::Agrees, None) => Ok(()),
            (Verdict::Agrees, Some((_, reason))) => {
                Err(format!("passes, but is listed as a known defect: {reason}").into())
            }
            (_, Some(_)) => Ok(()),
            (verdict, None) => Err(verdict.to_string().into()),
        }
    })
}

/// Whether a backend supports every node of a graph.
pub(crate) fn supports(backend: &dyn Backend, graph: &Graph) -> Result<(), Unsupported> {
    let mut computed = graph.nodes().iter().filter(|node| node.op != Op::Input);
    computed.try_for_each(|node| backend.supports(graph, node))
}
