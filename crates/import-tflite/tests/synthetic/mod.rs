//! Small TFLite files made by the tests themselves.

pub(crate) mod flatbuffer_writer;
pub(crate) mod model;
pub(crate) mod networks;
