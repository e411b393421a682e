//! Tensors to and from `.npy` files.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use npyz::{AutoSerialize, DType, Deserialize, NpyFile, Order, Serialize, WriterBuilder};
use pocketvision::{Element, Port, Shape, Tensor, TensorData};

use crate::output_file;

/// Reads a file as one input of a network.
///
/// The numbers must be of the input's own type and in C order. Of the shape, leading
/// dimensions of 1 do not matter: `[224,224,3]` is as good as `[1,224,224,3]`. Where the shape
/// is the input's with the channels before height and width, as PyTorch and ONNX have it, the
/// numbers are reordered.
pub(crate) fn read(path: &Path, port: &Port) -> Result<Tensor> {
    let file = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("{file}: cannot be read"))?;
    if metadata.is_dir() {
        bail!("{file}: it is a folder, not an .npy file");
    }
    if metadata.len() > MAX_FILE_BYTES {
        bail!("{file}: {} bytes are too many for one tensor", metadata.len());
    }
    let bytes = fs::read(path).with_context(|| format!("{file}: cannot be read"))?;
    let npy = NpyFile::new(&bytes[..]).map_err(|error| {
        let reason: String = error.to_string().chars().take(MAX_REASON_CHARACTERS).collect();
        anyhow!("{file}: not an .npy file ({reason}); write it with numpy.save")
    })?;

    let expected = port.ty.shape;
    let (actual_type, expected_type) = (type_of(&npy.dtype()), numpy_type(&port.ty.element));
    let shape_is =
        |shape: Shape| significant(npy.shape()) == significant(&shape.dims().map(|d| d as u64));
    let same_shape = shape_is(expected);
    let channels_first = Shape::new(expected.n, expected.c, expected.h, expected.w);
    let reorder = !same_shape && shape_is(channels_first);
    if actual_type != expected_type || !(same_shape || reorder) {
        bail!(
            "{file}: holds {actual_type} {}, but input '{}' is {expected_type} {}",
            list(npy.shape()),
            port.name,
            list(&expected.dims().map(|d| d as u64)),
        );
    }
    if npy.order() == Order::Fortran {
        bail!("{file}: is in Fortran order; save numpy.ascontiguousarray(x) instead");
    }
    let data = match &port.ty.element {
        Element::F32 => TensorData::F32(numbers(npy, path, expected, reorder)?),
        Element::Int8(_) => TensorData::I8(numbers(npy, path, expected, reorder)?),
        Element::UInt8(_) => TensorData::U8(numbers(npy, path, expected, reorder)?),
        Element::Int32(_) => TensorData::I32(numbers(npy, path, expected, reorder)?),
        Element::F16 => bail!("input '{}' is f16, which cannot be read from .npy", port.name),
    };
    Tensor::new(expected, port.ty.element.clone(), data).with_context(|| file.to_string())
}

/// Writes a tensor in its own type. The file appears complete or not at all. A vector of scores
/// is written as `[batch, classes]`, anything else as `[batch, height, width, channels]`.
pub(crate) fn write(path: &Path, tensor: &Tensor) -> Result<()> {
    let shape = shape_written(tensor.shape());
    output_file::write_with(path, |out| match tensor.data() {
        TensorData::F32(values) => write_numbers(out, &shape, values),
        // Every f16 is an f32, and numpy's f16 is not for everyone.
        TensorData::F16(_) => write_numbers(out, &shape, &tensor.to_f32()),
        TensorData::I8(values) => write_numbers(out, &shape, values),
        TensorData::U8(values) => write_numbers(out, &shape, values),
        TensorData::I32(values) => write_numbers(out, &shape, values),
    })
}

fn write_numbers<T: AutoSerialize + Serialize + Copy>(
    out: &mut impl Write,
    shape: &[u64],
    values: &[T],
) -> io::Result<()> {
    let mut npy = npyz::WriteOptions::new().default_dtype().shape(shape).writer(out).begin_nd()?;
    npy.extend(values.iter().copied())?;
    npy.finish()
}

fn shape_written(shape: Shape) -> Vec<u64> {
    let dims = if shape.pixels() == 1 { vec![shape.n, shape.c] } else { shape.dims().to_vec() };
    dims.into_iter().map(|dim| dim as u64).collect()
}

/// The file's numbers; `reorder` moves the channels from before height and width to last.
fn numbers<T: Deserialize + Copy>(
    npy: NpyFile<&[u8]>,
    path: &Path,
    shape: Shape,
    reorder: bool,
) -> Result<Vec<T>> {
    let values: Vec<T> = npy
        .into_vec()
        .with_context(|| format!("{}: the file is cut off or damaged", path.display()))?;
    if !reorder {
        return Ok(values);
    }
    let pixels = shape.pixels();
    let images = values.chunks_exact(shape.c * pixels);
    let reordered = images.flat_map(|image| {
        (0..pixels * shape.c).map(move |i| image[i % shape.c * pixels + i / shape.c])
    });
    Ok(reordered.collect())
}

/// A shape without its leading ones.
fn significant(shape: &[u64]) -> &[u64] {
    let leading = shape.iter().take_while(|dim| **dim == 1).count();
    &shape[leading..]
}

fn list(shape: &[u64]) -> String {
    let dims: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("[{}]", dims.join(","))
}

/// What numpy calls the type of a file's numbers; byte order is the library's affair.
fn type_of(dtype: &DType) -> String {
    let DType::Plain(scalar) = dtype else { return "a record".into() };
    let bits = scalar.num_bytes().map_or(0, |bytes| bytes * 8);
    match scalar.type_char() {
        npyz::TypeChar::Float => format!("float{bits}"),
        npyz::TypeChar::Int => format!("int{bits}"),
        npyz::TypeChar::Uint => format!("uint{bits}"),
        _ => scalar.to_string(),
    }
}

/// What numpy calls an element.
const fn numpy_type(element: &Element) -> &'static str {
    match element {
        Element::F32 => "float32",
        Element::F16 => "float16",
        Element::Int8(_) => "int8",
        Element::UInt8(_) => "uint8",
        Element::Int32(_) => "int32",
    }
}

/// Header and numbers of the largest tensor there can be.
const MAX_FILE_BYTES: u64 = Shape::MAX_ELEMENTS as u64 * 4 + (1 << 20);

/// A damaged header can be quoted at length by the library that parses it.
const MAX_REASON_CHARACTERS: usize = 100;
