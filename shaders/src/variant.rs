//! What differs between two compilations of one shader: constants that shape its text.

use std::fmt::Write as _;

/// Constants that a shader is compiled with. Sizes of arrays and counts of unrolled loops are
/// among them, which WGSL's `override` cannot set; so they stand as `const` before the text.
///
/// A shader that does not use one ignores it: make variants by [`Variant::default`] and what
/// matters, so that equal pipelines are found equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Variant {
    /// Neighbouring pixels of one invocation.
    pub tile_pixels: u32,
    /// Output quads of one invocation: 1 or 2.
    pub tile_quads: u32,
    /// Invocations that share the sum over the inputs of one tile: a power of two.
    pub split: u32,
    /// Invocations of a workgroup, where [`Shader::workgroup_size`](crate::Shader::workgroup_size)
    /// leaves the choice: a power of two.
    pub workgroup_size: u32,
    /// Columns of taps.
    pub kernel_width: u32,
    /// Columns between two neighbouring outputs.
    pub stride_width: u32,
    /// Columns between two neighbouring taps.
    pub dilation_width: u32,
    /// Room in workgroup memory for what a fused pair hands over, in 16 bytes.
    pub memory_vectors: u32,
    /// Whether dense float weights are tiles of four inputs by four outputs, and not rows.
    pub has_tiles: bool,
    /// Whether inputs are multiplied by a scale of each channel.
    pub has_scale: bool,
    /// Whether an activation may be a sigmoid, whose exponential makes all of them slower.
    pub has_sigmoid: bool,
    /// Whether zero points of weights may be other than 0: symmetric weights skip a sum.
    pub has_weight_zero_point: bool,
    /// Whether functions of one byte follow an int8 layer, as a table.
    pub has_table: bool,
    /// Whether float tensors and weights are stored in half precision.
    pub is_half: bool,
    /// Whether subgroups share sums, instead of workgroup memory: for shaders of which
    /// [`Shader::can_use_subgroups`](crate::Shader::can_use_subgroups) says that they can, and
    /// devices with the feature. `split` is then the size that subgroups are thought to have,
    /// which is a matter of speed alone.
    pub has_subgroups: bool,
    /// Whether four neighbours of a subgroup load for each other what all of them need: in a product
    /// each a fourth of the pixels, of which all four compute quads of their own; in a convolution
    /// each the weights of one of four channels, or of each fourth tap, for a run of its own. For
    /// shaders of which
    /// [`Shader::can_use_fours`](crate::Shader::can_use_fours) says that they can, and devices whose
    /// subgroups have at least four members. `split` is then 1.
    pub has_fours: bool,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            tile_pixels: 4,
            tile_quads: 1,
            split: 1,
            workgroup_size: crate::WORKGROUP_SIZE,
            kernel_width: 1,
            stride_width: 1,
            dilation_width: 1,
            memory_vectors: 1,
            has_tiles: false,
            has_scale: false,
            has_sigmoid: false,
            has_weight_zero_point: false,
            has_table: false,
            is_half: false,
            has_subgroups: false,
            has_fours: false,
        }
    }
}

impl Variant {
    /// Invocations that load for each other.
    pub const fn loaders(&self) -> u32 {
        if self.has_fours { 4 } else { 1 }
    }

    /// Invocations that compute a tile together, or tiles of the same pixels.
    pub const fn team(&self) -> u32 {
        self.split * self.loaders()
    }

    /// Quads of a team, of a product.
    pub const fn team_quads(&self) -> u32 {
        self.tile_quads * self.loaders()
    }

    /// The constants as WGSL, those of all shaders among them.
    pub(crate) fn header(&self, has_fixed_params: bool) -> String {
        let partial_sums = match self.split {
            1 => 1,
            _ => self.workgroup_size * self.tile_pixels * self.tile_quads,
        };
        let mut text = String::new();
        if self.is_half {
            text.push_str("enable f16;\nalias Stored = vec4<f16>;\n");
        } else {
            text.push_str("alias Stored = vec4<f32>;\n");
        }
        for (name, value) in [
            ("WORKGROUP_SIZE", self.workgroup_size),
            ("LARGE_WORKGROUP_SIZE", crate::LARGE_WORKGROUP_SIZE),
            ("POOLED_SLICE", crate::POOLED_SLICE),
            ("MOST_EXCITED_QUADS", crate::MOST_EXCITED_QUADS as u32),
            ("MOST_SQUEEZED_QUADS", crate::MOST_SQUEEZED_QUADS as u32),
            ("TILE_PIXELS", self.tile_pixels),
            ("TILE_QUADS", self.tile_quads),
            ("LOADED_PIXELS", self.tile_pixels / self.loaders()),
            ("SPLIT", self.split),
            ("LOADERS", self.loaders()),
            ("TEAM_QUADS", self.team_quads()),
            ("KERNEL_WIDTH", self.kernel_width),
            ("LOADED_TAPS", self.kernel_width.div_ceil(self.loaders())),
            ("STRIDE_WIDTH", self.stride_width),
            ("DILATION_WIDTH", self.dilation_width),
            ("MEMORY_VECTORS", self.memory_vectors),
            ("PARTIAL_SUMS", partial_sums),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "const {name}: u32 = {value}u;");
        }
        for (name, value) in [
            ("HAS_TILES", self.has_tiles),
            ("HAS_SCALE", self.has_scale),
            ("HAS_SIGMOID", self.has_sigmoid),
            ("HAS_WEIGHT_ZERO_POINT", self.has_weight_zero_point),
            ("HAS_TABLE", self.has_table),
            ("HAS_FIXED_PARAMS", has_fixed_params),
        ] {
            let _ = writeln!(text, "const {name}: bool = {value};");
        }
        text
    }

    /// A number that bounds an unrolled loop: a constant of the header, or a product or sum of
    /// such.
    pub(crate) fn count(&self, name: &str) -> Option<u32> {
        Some(match name {
            "TILE_PIXELS" => self.tile_pixels,
            "TILE_QUADS" => self.tile_quads,
            "LOADED_PIXELS" => self.tile_pixels / self.loaders(),
            "TILE_PIXELS * TILE_QUADS" => self.tile_pixels * self.tile_quads,
            "KERNEL_WIDTH" => self.kernel_width,
            "LOADED_TAPS" => self.kernel_width.div_ceil(self.loaders()),
            "COLUMNS" => {
                (self.tile_pixels - 1) * self.stride_width
                    + (self.kernel_width - 1) * self.dilation_width
                    + 1
            }
            _ => return None,
        })
    }
}
