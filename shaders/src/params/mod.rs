//! The uniform `params` of each shader, as the host writes it.
//!
//! Each structure has the name, order and types of the fields in its shader's text (a test
//! holds them together); [`ParamsLayout::words`] is what goes into the uniform buffer. What
//! a field means is said here once for all shaders that have it:
//!
//! * `pixels`: output positions, all images together; `elements`: output quads; `*_quads`:
//!   channels in fours, rounded up; `*_channels`: channels before padding.
//! * `*_strides`: distances in quads between neighbours of an operand: images, rows, columns,
//!   quads; 0 where a dimension of 1 is repeated. `*_repeats_channel`: 1 if the operand's only
//!   channel is repeated.
//! * `activation`: a number of [`activation`].
//! * `*_zero_point`, `*_low`, `*_high`: integers of an int8 tensor; `*_mantissa`,
//!   `*_shift_left`, `*_shift_right`: a `pocketvision_core::quant::Multiplier`.

/// Fields that can be written to a uniform buffer, four bytes each.
pub trait ParamsLayout {
    /// Name and type of each field, in order.
    const FIELDS: &'static [Field];

    /// The fields' bits, in order.
    fn words(&self) -> Vec<u32>;
}

/// A field of a `params`: its name and its type in WGSL.
pub type Field = (&'static str, &'static str);

/// Numbers of `activation` in float shaders.
pub mod activation {
    /// The number itself.
    pub const NONE: u32 = 0;
    /// `max(x, 0)`.
    pub const RELU: u32 = 1;
    /// `clamp(x, 0, 6)`.
    pub const RELU6: u32 = 2;
    /// `x * relu6(x + 3) / 6`.
    pub const HARD_SWISH: u32 = 3;
    /// `relu6(x + 3) / 6`.
    pub const HARD_SIGMOID: u32 = 4;
    /// `1 / (1 + exp(-x))`.
    pub const SIGMOID: u32 = 5;
}

/// Numbers of [`Average::kind`].
pub mod pool_kind {
    /// The largest.
    pub const MAX: u32 = 0;
    /// The average, halves away from zero.
    pub const AVERAGE_AWAY: u32 = 1;
    /// The average, halves up.
    pub const AVERAGE_UP: u32 = 2;
    /// The average rescaled to the output.
    pub const MEAN: u32 = 3;
}

/// What a field may be.
trait FieldType {
    /// Its type in WGSL.
    const NAME: &'static str;

    fn append_to(&self, words: &mut Vec<u32>);
}

impl FieldType for u32 {
    const NAME: &'static str = "u32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(*self);
    }
}

impl FieldType for i32 {
    const NAME: &'static str = "i32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(self.cast_unsigned());
    }
}

impl FieldType for f32 {
    const NAME: &'static str = "f32";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.push(self.to_bits());
    }
}

impl FieldType for [u32; 4] {
    const NAME: &'static str = "vec4<u32>";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.extend(self);
    }
}

impl FieldType for [f32; 4] {
    const NAME: &'static str = "vec4<f32>";

    fn append_to(&self, words: &mut Vec<u32>) {
        words.extend(self.map(f32::to_bits));
    }
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Debug)]
        #[expect(missing_docs, reason = "the module says what each field means")]
        pub struct $name { $(pub $field: $ty,)* }

        impl ParamsLayout for $name {
            const FIELDS: &'static [Field] = &[$((stringify!($field), <$ty as FieldType>::NAME),)*];

            fn words(&self) -> Vec<u32> {
                let mut words = Vec::new();
                $(self.$field.append_to(&mut words);)*
                words
            }
        }
    )*};
}

// After the macro that they are made by.
mod groups;
mod layers;
mod moves;
mod operators;
mod parts;

pub use groups::*;
pub use layers::*;
pub use moves::*;
pub use operators::*;
pub use parts::*;
