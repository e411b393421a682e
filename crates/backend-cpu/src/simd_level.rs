//! Which vector instructions kernels use.

use std::fmt;
use std::str::FromStr;

use crate::CpuError;

/// Which vector instructions the kernels use. Chosen at run time; every level computes the
/// same int8 results, and f32 results within rounding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SimdLevel {
    /// Plain Rust, for any processor.
    Scalar,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX2, FMA and AVX-VNNI: Intel from Alder Lake, AMD from Zen 5.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI: Intel from Ice Lake, AMD from Zen 4.
    Avx512,
    /// 64-bit Arm, where NEON is always there: plain Rust that the compiler vectorises.
    /// Kernels of its own are still to come.
    Neon,
}

impl SimdLevel {
    /// All levels.
    pub const ALL: [Self; 5] = [Self::Scalar, Self::Avx2, Self::AvxVnni, Self::Avx512, Self::Neon];

    /// The environment variable that chooses a level where the program does not.
    pub const VARIABLE: &'static str = "POCKETVISION_SIMD";

    /// The levels that this machine has, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|level| level.is_available())
    }

    /// The fastest level that this machine has.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Scalar)
    }

    /// True if this machine has the level's instructions.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => Self::Avx2.is_available() && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::AvxVnni | Self::Avx512 => false,
            Self::Neon => cfg!(target_arch = "aarch64"),
        }
    }

    /// True if processors of this architecture can have the level at all.
    pub const fn is_of_this_architecture(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 | Self::AvxVnni | Self::Avx512 => cfg!(target_arch = "x86_64"),
            Self::Neon => cfg!(target_arch = "aarch64"),
        }
    }

    /// The level's name: `scalar`, `avx2`, `avxvnni`, `avx512` or `neon`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avxvnni",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SimdLevel {
    type Err = CpuError;

    fn from_str(name: &str) -> Result<Self, CpuError> {
        let named = |level: &Self| name.eq_ignore_ascii_case(level.name());
        let unknown = || CpuError::SimdUnknown { name: name.to_owned() };
        Self::ALL.into_iter().find(named).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for level in SimdLevel::ALL {
            assert_eq!(level.to_string().parse::<SimdLevel>().unwrap(), level);
        }
        let error = "avx9".parse::<SimdLevel>().unwrap_err();
        assert!(error.to_string().contains("'avx9'"), "{error}");
    }

    #[test]
    fn the_best_level_is_one_the_machine_has() {
        assert!(SimdLevel::best().is_available());
        assert!(SimdLevel::available().any(|level| level == SimdLevel::Scalar));
    }
}
