//! Images at another size.

use pocketvision_core::Op;
use pocketvision_core::op::{CoordinateMode, IntegerInterpolation, Resize, ResizeKind, Window};

use super::FileOperator;
use crate::error::{Problem, Result};
use crate::flatbuffer::Table;
use crate::importer::{Importer, Value};
use crate::schema::options::{resize_bilinear, resize_nearest_neighbor};
use crate::schema::tensor_type;
use crate::tensor::{FileTensor, format_dims};

impl<'a> Importer<'a> {
    pub(super) fn resize_bilinear(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use resize_bilinear::{ALIGN_CORNERS, HALF_PIXEL_CENTERS, UNION_TYPE};
        let options = operator.required_options(UNION_TYPE)?;
        let coordinates = coordinates(&options, ALIGN_CORNERS, HALF_PIXEL_CENTERS)?;
        self.resize(operator, output, ResizeKind::Bilinear, coordinates)
    }

    pub(super) fn resize_nearest_neighbor(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        use resize_nearest_neighbor::{ALIGN_CORNERS, HALF_PIXEL_CENTERS, UNION_TYPE};
        let options = operator.required_options(UNION_TYPE)?;
        let coordinates = coordinates(&options, ALIGN_CORNERS, HALF_PIXEL_CENTERS)?;
        self.resize(operator, output, ResizeKind::Nearest, coordinates)
    }

    fn resize(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
        kind: ResizeKind,
        coordinates: CoordinateMode,
    ) -> Result<Value> {
        let image = self.input(operator, 0, 2..=2, RESIZE_INPUTS)?;
        let size = self.input(operator, 1, 2..=2, RESIZE_INPUTS)?;
        let input = self.image_operand(&image)?;
        let stated = self.integers(&size)?;
        let &[height, width] = stated.as_slice() else {
            return Err(wrong_size(&size, &stated, "height and width"));
        };
        let side = |side: i64| {
            let side = usize::try_from(side).ok();
            side.filter(|side| (1..=Window::MAX_ATTRIBUTE).contains(side))
        };
        let (Some(height), Some(width)) = (side(height), side(width)) else {
            return Err(wrong_size(&size, &stated, "1 to 16384 each"));
        };
        let interpolation = match image.kind {
            tensor_type::UINT8 => IntegerInterpolation::Float,
            _ => IntegerInterpolation::FixedPoint,
        };
        let op = Resize { kind, height, width, coordinates, interpolation };
        Ok(Value::new(self.push(output, Op::Resize(op), &[input.node])?, 4))
    }

    /// A pixel repeated over an image.
    pub(super) fn tile(
        &mut self,
        operator: &FileOperator<'a>,
        output: &FileTensor<'a>,
    ) -> Result<Value> {
        let image = self.input(operator, 0, 2..=2, TILE_INPUTS)?;
        let multiples = self.input(operator, 1, 2..=2, TILE_INPUTS)?;
        let input = self.image_operand(&image)?;
        let stated = self.integers(&multiples)?;
        let shape = self.builder.ty(input.node).shape;
        let repeated = |size: usize, times: i64| match usize::try_from(times).ok()? {
            1 => Some(size),
            times if size == 1 && (1..=Window::MAX_ATTRIBUTE).contains(&times) => Some(times),
            _ => None,
        };
        let sizes = match stated.as_slice() {
            &[1, rows, columns, 1] => repeated(shape.h, rows).zip(repeated(shape.w, columns)),
            _ => None,
        };
        let (height, width) = sizes.ok_or_else(|| {
            let expected = "a single row or column repeated; other tilings are not supported";
            wrong_size(&multiples, &stated, expected)
        })?;
        let op = Op::Resize(Resize::repeat(height, width));
        Ok(Value::new(self.push(output, op, &[input.node])?, 4))
    }
}

fn coordinates(
    options: &Table<'_>,
    align_corners: usize,
    half_pixel_centers: usize,
) -> Result<CoordinateMode> {
    let flag = |slot| Ok::<bool, Problem>(options.scalar(slot, 0u8)? != 0);
    match (flag(align_corners)?, flag(half_pixel_centers)?) {
        (false, false) => Ok(CoordinateMode::Asymmetric),
        (true, false) => Ok(CoordinateMode::AlignCorners),
        (false, true) => Ok(CoordinateMode::HalfPixel),
        (true, true) => Err(Problem::attribute(
            "align_corners and half_pixel_centers",
            "both set",
            "at most one of them",
        )),
    }
}

fn wrong_size(tensor: &FileTensor<'_>, stated: &[i64], expected: &str) -> Problem {
    tensor.wrong(Problem::attribute("size", format_dims(stated.iter()), expected))
}

const RESIZE_INPUTS: &str = "2 (image, size)";
const TILE_INPUTS: &str = "2 (image, multiples)";
