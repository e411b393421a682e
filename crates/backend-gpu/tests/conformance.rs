//! Every conformance case on the GPU: as networks are cut for the adapter, as they are cut for a
//! graphics card and for a small one, and with subgroups where the adapter has them. Without an adapter
//! all are ignored, loudly; with `POCKETVISION_REQUIRE_GPU=1` that is a failure.

use std::process::ExitCode;
use std::sync::Arc;

use pocketvision_backend_gpu::{AdapterKind, GpuBackend, GpuError, GpuOptions, SelfTest};
use pocketvision_conformance::Subject;

fn main() -> ExitCode {
    let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|value| value == "1");
    // A kernel that a self-test found wrong would be replaced, and every case pass.
    let self_test = SelfTest::Never;
    let open = |subgroups, cut_for| {
        let options = GpuOptions { subgroups, self_test, cut_for, ..GpuOptions::default() };
        GpuBackend::new(options)
    };
    let subject = |name, backend: Result<GpuBackend, GpuError>| match backend {
        Ok(backend) => {
            eprintln!("{name}: {}", backend.adapter());
            Subject::new(name, Arc::new(backend))
        }
        Err(error) => Subject::absent(name, error.to_string(), required),
    };
    let backend = open(false, None);
    let card = Some(AdapterKind::Discrete);
    let as_on_a_card = subject("gpu cut for a card", open(false, card));
    let small_card = Some(AdapterKind::Integrated);
    let as_on_a_small_card = subject("gpu cut for a small card", open(false, small_card));
    let has_subgroups =
        backend.as_ref().is_ok_and(|backend| backend.adapter().features.contains(&"subgroups"));
    let with_subgroups = "gpu with subgroups";
    let with_subgroups = if has_subgroups {
        subject(with_subgroups, open(true, None))
    } else {
        Subject::absent(with_subgroups, "the adapter has none", false)
    };
    pocketvision_conformance::main(vec![
        subject("gpu", backend),
        as_on_a_card,
        as_on_a_small_card,
        with_subgroups,
    ])
}
