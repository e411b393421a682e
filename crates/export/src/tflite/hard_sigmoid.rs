//! A hard sigmoid, `relu6(x + 3) / 6`, in TFLite's words.

use pocketvision_core::op::ActivationKind;
use pocketvision_core::quant::{QuantizedAdd, QuantizedMul, activation_table};
use pocketvision_core::{Element, Node, Shape, Tensor, TensorData};
use pocketvision_import_tflite::schema::activation::RELU6;
use pocketvision_import_tflite::schema::builtin;
use pocketvision_import_tflite::schema::options::add;

use super::model::Options;
use super::operator::{mul_options, mul_version};
use super::signedness::Storage;
use super::translation::{Place, Translation, dims};

impl Translation<'_> {
    /// A sum with 3, clamped to 0..6, and a product with 1/6.
    pub(super) fn hard_sigmoid(&mut self, input: Place<'_>, output: Place<'_>, node: &Node) {
        let storage = output.storage;
        let Constants { three, sum, sixth } = match storage {
            Storage::F32 => Constants::float(),
            Storage::Int8 | Storage::UInt8 => Constants::integer(input.element, output.element),
        };
        let name = |part: &str| format!("{}/{part}", node.name);
        let three_tensor = self.new_constant(name("three"), dims(three.shape()), &three, storage);
        let sixth_tensor = self.new_constant(name("sixth"), dims(sixth.shape()), &sixth, storage);
        let sum = self.place(name("plus_three"), node.output.shape, &sum, storage);
        let options = Options::new(add::UNION_TYPE).byte(add::FUSED_ACTIVATION, RELU6);
        let inputs = vec![input.tensor, three_tensor];
        self.emit(builtin::ADD, storage.version(2), inputs, sum, Some(options));
        let sixth = Place { tensor: sixth_tensor, storage, element: sixth.element() };
        let version = mul_version(sum, sixth, output.element);
        let inputs = vec![sum.tensor, sixth.tensor];
        self.emit(builtin::MUL, version, inputs, output, Some(mul_options(None)));
    }
}

/// The two constants, and the element of the sum between them.
struct Constants {
    three: Tensor,
    sum: Element,
    sixth: Tensor,
}

impl Constants {
    fn float() -> Self {
        let number = |value| Tensor::from_f32(Shape::vector(1), vec![value]);
        Self {
            three: number(3.0).expect("one number"),
            sum: Element::F32,
            sixth: number(1.0 / 6.0).expect("one number"),
        }
    }

    /// The sum has six times the output's scale, so that the product with 1/6 leaves its
    /// integers as they are. Any scale at which 3 is an integer would do for 3, and so would
    /// the next few f32; each moves the sum's roundings a little, and one is wanted where all
    /// are those of our table. (Often the half that 0 yields lies all but between two integers.)
    fn integer(input: &Element, output: &Element) -> Self {
        let (scale, zero_point) = output.per_tensor().expect("an integer output");
        let sum = Element::int8(6.0 * scale, zero_point);
        let sixth = Element::int8(1.0 / 6.0, 0);
        let table = activation_table(ActivationKind::HardSigmoid, input, output);
        let product = QuantizedMul::new(&sum, &sixth, output, None);
        let differing = |three: &(i8, Element)| {
            let add = QuantizedAdd::new(input, &three.1, &sum, Some(ActivationKind::Relu6));
            let result = |x: i8| product.apply(add.apply(x, three.0), 1);
            let expected = |x: i8| table[(i32::from(x) + 128) as usize];
            (i8::MIN..=i8::MAX).filter(|&x| result(x) != expected(x)).count()
        };
        let candidates = (1..=i8::MAX).rev().flat_map(|integer| {
            let exact = 3.0 / f32::from(integer);
            NUDGES.map(|steps| {
                let scale = f32::from_bits(exact.to_bits().wrapping_add_signed(steps));
                (integer, Element::int8(scale, 0))
            })
        });
        let best = candidates.min_by_key(differing).expect("some candidates");
        let number = |value, element| {
            let numbers = TensorData::I8(vec![value]);
            Tensor::new(Shape::vector(1), element, numbers).expect("one number")
        };
        Self { three: number(best.0, best.1), sum, sixth: number(1, sixth) }
    }
}

/// By how many f32 a scale may be off: a millionth at most.
const NUDGES: [i32; 9] = [0, 1, -1, 2, -2, 4, -4, 8, -8];
