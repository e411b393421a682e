//! Which vector instructions kernels use.

use std::fmt;
use std::str::FromStr;

use crate::CpuError;

/// Which vector instructions the kernels use. Chosen at run time; every level computes the
/// same int8 results, and f32 results within rounding.
///
/// ```
/// use pocketvision_backend_cpu::SimdLevel;
///
/// assert!(SimdLevel::Scalar.is_available());
/// assert_eq!(SimdLevel::available().last(), Some(SimdLevel::best()));
/// assert_eq!("avx512".parse::<SimdLevel>()?, SimdLevel::Avx512);
/// assert_eq!(SimdLevel::Neon.to_string(), "neon");
/// # Ok::<(), pocketvision_backend_cpu::CpuError>(())
/// ```
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
    /// 64-bit Arm, where NEON is always there.
    Neon,
    /// 64-bit Arm with dot products of bytes: from Cortex-A55 and A76, Neoverse N1, Apple A13.
    NeonDotprod,
    /// 64-bit Arm with products of matrices of bytes too: from Cortex-A510 and A710, Neoverse
    /// V1 and N2, Apple M2.
    NeonI8mm,
}

impl SimdLevel {
    /// All levels.
    pub const ALL: [Self; 7] = [
        Self::Scalar,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512,
        Self::Neon,
        Self::NeonDotprod,
        Self::NeonI8mm,
    ];

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
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => std::arch::is_aarch64_feature_detected!("dotprod"),
            #[cfg(target_arch = "aarch64")]
            Self::NeonI8mm => {
                Self::NeonDotprod.is_available() && std::arch::is_aarch64_feature_detected!("i8mm")
            }
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon | Self::NeonDotprod | Self::NeonI8mm => false,
        }
    }

    /// True if processors of this architecture can have the level at all.
    pub const fn is_of_this_architecture(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 | Self::AvxVnni | Self::Avx512 => cfg!(target_arch = "x86_64"),
            Self::Neon | Self::NeonDotprod | Self::NeonI8mm => cfg!(target_arch = "aarch64"),
        }
    }

    /// The level's name: `scalar`, `avx2`, `avxvnni`, `avx512`, `neon`, `neon-dotprod` or
    /// `neon-i8mm`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avxvnni",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::NeonDotprod => "neon-dotprod",
            Self::NeonI8mm => "neon-i8mm",
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
