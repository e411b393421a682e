//! All unsafe code: vector kernels, and memory that threads share.
//!
//! Two arguments carry the safety of everything here.
//!
//! * **Instructions.** A kernel for a level takes the level's proof, such as [`Avx2`]:
//!   a value that exists only where the machine was asked and has the instructions.
//! * **Memory.** Vector kernels take slices and tiles, check once on entry that all they
//!   will touch lies inside, and use pointers from there on. [`executor::Executor`] hands
//!   out parts of a step's output as [`Tile`]s, each to one thread; parts do not overlap, and
//!   no thread is a step ahead of another.
//!
//! Every vector kernel is tested against its scalar twin on random shapes.
#![allow(unsafe_code)]

/// Evaluates an expression for each number below a constant, at most 17, which the name stands for.
///
/// Unlike a loop that is too long to be unrolled, it leaves an array that is indexed by the number
/// in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! unrolled {
    ($count:expr, $index:ident, $body:expr) => {{
        const { assert!($count <= 17, "more numbers than are written out") };
        unrolled!($count, $index, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    }};
    ($count:expr, $index:ident, $body:expr, $($number:literal)*) => {{
        $(if $number < $count {
            let $index = $number;
            $body
        })*
    }};
}

/// How many bytes ahead weights that one row alone uses are fetched, so that memory always has
/// some lines to bring.
#[cfg(target_arch = "x86_64")]
const AHEAD_BYTES: usize = 4096;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod bytes;
mod executor;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod peak;
mod split;
mod team;
mod tile;
mod vectorize;

pub(crate) use bytes::AlignedBytes;
pub(crate) use executor::{Executor, Step};
pub(crate) use peak::{multiply_f32, multiply_i8};
pub(crate) use split::Split;
pub(crate) use team::Team;
pub(crate) use tile::{Inputs, Place, Tile};

use crate::kernels::float_multiplier::Rounding;
use crate::{CpuError, SimdLevel};

/// A SIMD level that this machine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Simd {
    /// Plain Rust.
    Portable(Portable),
    /// AVX2 and FMA, with AVX-VNNI or without.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// NEON, and the products of bytes that the proof says.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// A level without vector kernels of its own: its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Portable(SimdLevel);

/// Proof that the machine has AVX2 and FMA; and AVX-VNNI, if that is to be used.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Avx2 {
    vnni: Option<AvxVnni>,
}

/// Proof that the machine has AVX2, FMA and AVX-VNNI.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AvxVnni(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The proof of AVX-VNNI's products of bytes, if the level has them.
    pub(crate) const fn vnni(self) -> Option<AvxVnni> {
        self.vnni
    }
}

/// Proof that the machine has AVX-512 F, BW, DQ, VL and VNNI, and AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Avx512(());

/// Proof that the machine has NEON, and which products of bytes.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Neon {
    /// `sdot`.
    dotprod: Option<Dotprod>,
    /// `smmla`.
    i8mm: Option<I8mm>,
}

/// Proof that the machine has dot products of four bytes.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Dotprod(());

/// Proof that the machine has products of matrices of bytes.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct I8mm(());

/// Proof that the machine has AVX-512 and its bf16 products.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Avx512Bf16(());

#[cfg(target_arch = "x86_64")]
impl From<Avx512> for Avx2 {
    fn from(_: Avx512) -> Self {
        Self { vnni: None }
    }
}

#[cfg(target_arch = "x86_64")]
impl From<Avx512Bf16> for Avx512 {
    fn from(_: Avx512Bf16) -> Self {
        Self(())
    }
}

/// A level's bf16 products: uninhabited where there are none.
#[cfg(target_arch = "x86_64")]
pub(crate) type Bf16 = Avx512Bf16;
/// A level's bf16 products: uninhabited where there are none.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Bf16 = std::convert::Infallible;

impl Simd {
    /// The proof of a level.
    pub(crate) fn new(level: SimdLevel) -> Result<Self, CpuError> {
        if !level.is_available() {
            return Err(CpuError::SimdUnavailable { level, best: SimdLevel::best() });
        }
        Ok(match level {
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => Self::Avx2(Avx2 { vnni: None }),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::AvxVnni => Self::Avx2(Avx2 { vnni: Some(AvxVnni(())) }),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => Self::Avx512(Avx512(())),
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => Self::Neon(Neon { dotprod: None, i8mm: None }),
            #[cfg(target_arch = "aarch64")]
            SimdLevel::NeonDotprod => Self::Neon(Neon { dotprod: Some(Dotprod(())), i8mm: None }),
            #[cfg(target_arch = "aarch64")]
            SimdLevel::NeonI8mm => {
                Self::Neon(Neon { dotprod: Some(Dotprod(())), i8mm: Some(I8mm(())) })
            }
            portable => Self::Portable(Portable(portable)),
        })
    }

    /// The proof of bf16 products, if the level and the machine have them.
    pub(crate) fn bf16(self) -> Option<Bf16> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => is_x86_feature_detected!("avx512bf16").then_some(Avx512Bf16(())),
            _ => None,
        }
    }

    /// True if matrix products of this level take rows in several runs: patches that are read
    /// from bands of the image.
    pub(crate) const fn reads_bands(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Avx2(_) => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => false,
            Self::Portable(_) => false,
        }
    }

    /// How the level's kernels round floats that stand for integers.
    pub(crate) const fn rounding(self) -> Rounding {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Rounding::TowardZero,
            _ => Rounding::Nearest,
        }
    }

    /// The level.
    pub(crate) const fn level(self) -> SimdLevel {
        match self {
            Self::Portable(Portable(level)) => level,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Avx2 { vnni: None }) => SimdLevel::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Avx2 { vnni: Some(_) }) => SimdLevel::AvxVnni,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => SimdLevel::Avx512,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(Neon { i8mm: Some(_), .. }) => SimdLevel::NeonI8mm,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(Neon { dotprod: Some(_), .. }) => SimdLevel::NeonDotprod,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => SimdLevel::Neon,
        }
    }
}
