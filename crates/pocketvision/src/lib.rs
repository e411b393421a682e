//! Mobile vision networks on the CPU, the GPU and a simulated Edge TPU, side by side.
//!
//! This is the crate to depend on. It gathers the workspace's parts into one path from a
//! photo to an answer:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pocketvision::{CompileOptions, Model, backends, vision};
//!
//! // A name, or the path of a .tflite or .onnx file.
//! let model = Model::load("mobilenet-edgetpu-cifar10")?;
//! // A photo would come from `vision::open("ship.jpg")?`.
//! let image = vision::SamplePicture::Ship.paint(640, 480);
//! for backend in backends() {
//!     let mut plan = backend.compile(model.graph(), &CompileOptions::default())?;
//!     let outputs = plan.run(&[model.preprocess(&image)?])?;
//!     let best = &model.top_k(&outputs, 1)[0];
//!     println!("{:12} {best}", backend.name());
//!     # if cfg!(feature = "built-in-network") {
//!     assert_eq!(best.label.as_deref(), Some("ship"));
//!     # }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! * A [`Model`] is a network with what surrounds it: where it came from, how a photo becomes
//!   its input, what its outputs mean and its classes are called. Its [`Task`] is to classify,
//!   to detect or to segment: then [`Model::top_k`], [`Model::detections`] or
//!   [`Model::class_map`] say what it saw. Names resolve through a [`Catalog`]: a file, a
//!   folder of models, or a network that is built in.
//! * [`backends`] lists what can run networks on this machine; [`backend`] opens one by name,
//!   with options. A [`Backend`] compiles a [`Graph`] into a [`Plan`]; a plan runs.
//!   [`processor_peak`] is what the processor could do at most.
//! * [`agreement`] says how far two backends are apart, and at which node they part.
//! * [`quantize`] makes a float network int8, and an int8 network float.
//! * [`edgetpu_sim`] is the simulator behind the backend of that name: [`chip`] opens a chip, an
//!   estimate costs microseconds.
//! * [`export`] writes a network as a file that other programs read.
//! * [`vision`] is what lies before and behind a network, [`models`] are the networks that
//!   can be built by name.
//!
//! Without its default features this crate brings no GPU with it: `gpu` is that backend, and
//! `built-in-network` the trained weights that come along.
//!
//! A network that is built in has seeded weights: it costs what the trained network costs,
//! and what it says about a photo means nothing. One of them comes trained,
//! `mobilenet-edgetpu-cifar10`, a small one for ten classes. [`Model::weights`] tells which it is.

pub mod agreement;
mod backends;
mod model;
mod nearest;

pub use backends::{
    BACKEND_NAMES, BackendError, BackendOptions, ProcessorPeak, backend, backends, chip,
    processor_peak,
};
#[cfg(feature = "gpu")]
pub use backends::{gpu_adapters, tune_gpu};
pub use model::{
    Catalog, CatalogEntry, Format, Model, ModelError, OpenOptions, Origin, Task, Weights,
};
pub use nearest::hint;
pub use pocketvision_backend_cpu::{CpuError, Peak, SimdLevel};
pub use pocketvision_backend_edgetpu_sim as edgetpu_sim;
#[cfg(feature = "gpu")]
pub use pocketvision_backend_gpu::Tuned as GpuTuning;
pub use pocketvision_core::models;
pub use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Element, Graph, GraphBuilder,
    GraphError, Keep, LayerCost, MemoryUse, Node, NodeId, Op, Outputs, ParamId, Plan, Port,
    Profile, Quantization, RunError, Shape, Signature, Tensor, TensorData, TensorError, TensorType,
    Unsupported,
};
pub use pocketvision_core::{detection, op, passes};
pub use pocketvision_export as export;
pub use pocketvision_quantize as quantize;
pub use pocketvision_reference as reference;
pub use pocketvision_vision as vision;
