//! One list of cases that every backend runs.
//!
//! A case is data: a few lines in `cases/*.toml` that name an operator, its attributes, the
//! input shapes and the element types. [`main`] turns the list into one test a case and
//! backend, named `cpu::conv2d/stem_3x3_stride2/int8`, and judges each by the reference
//! backend:
//!
//! * Integers must be identical, bit for bit.
//! * Floats must be within a bound that follows from the operator's arithmetic ([`tolerance`]).
//!   The bound is applied node by node, each judged on the inputs that the backend itself
//!   produced, so a whole network needs no looser tolerance than one of its layers.
//!
//! Each case is run in both ways a plan can be compiled (outputs alone, every node) and
//! twice with different inputs, so a plan that keeps something from its first run is found.
//!
//! A backend that does not support a case's nodes leaves the test *ignored*, with its reason
//! printed. A known defect is listed in [`Expectations`] with a reason; it fails the test
//! when it is fixed, so the list cannot go stale. A backend that is absent on this machine
//! (no GPU) has all its tests ignored, loudly, unless the caller requires it.
//!
//! Random inputs are the default. `fill = "extremes"` draws from the ends of the range,
//! where saturation and rounding errors show.

mod build;
mod case;
mod judge;
mod runner;
mod support_table;

pub use build::{BuiltCase, build};
pub use case::{Case, CaseError, Elements, cases};
pub use judge::{Verdict, judge};
pub use pocketvision_reference::tolerance;
pub use runner::{Expectations, Subject, main};
pub use support_table::support_table;
