//! Every shader parses and validates, and is what its description says. Needs no adapter.

use std::collections::BTreeMap;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Scalar, ScalarKind, StorageAccess, TypeInner, VectorSize};
use pocketvision_shaders::params::{
    Average, Normalization, ParamsLayout, Residual, Scaling, Window,
};
use pocketvision_shaders::{ENTRY_POINT, Shader, Variant};

/// Variants that together reach each branch of the texts.
fn variants() -> Vec<Variant> {
    let plain = Variant { memory_vectors: 64, ..Variant::default() };
    vec![
        plain,
        Variant { tile_pixels: 8, tile_quads: 2, kernel_width: 3, ..plain },
        Variant {
            split: 4,
            kernel_width: 5,
            stride_width: 2,
            dilation_width: 2,
            has_scale: true,
            has_sigmoid: true,
            has_weight_zero_point: true,
            has_table: true,
            ..plain
        },
        Variant { tile_pixels: 1, tile_quads: 2, split: 16, ..plain },
    ]
}

fn parse(shader: Shader) -> naga::Module {
    parse_variant(shader, &Variant::default())
}

fn parse_variant(shader: Shader, variant: &Variant) -> naga::Module {
    let source = shader.source(variant);
    naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}: {}", shader.name(), error.emit_to_string(&source)))
}

#[test]
fn every_shader_is_valid_without_any_extension() {
    for shader in Shader::ALL {
        for variant in variants() {
            check(shader, &variant, Capabilities::empty());
        }
    }
}

#[test]
fn half_precision_needs_one_extension() {
    for shader in Shader::ALL {
        for variant in variants() {
            let variant = Variant { is_half: true, ..variant };
            check(shader, &variant, Capabilities::SHADER_FLOAT16);
        }
    }
}

#[test]
fn sums_in_subgroups_need_one_extension() {
    let with_subgroups = |variant: Variant| Variant { has_subgroups: true, ..variant };
    let shaders: Vec<Shader> =
        Shader::ALL.into_iter().filter(|shader| shader.can_use_subgroups()).collect();
    assert!(shaders.contains(&Shader::ProductInt8) && shaders.contains(&Shader::SoftmaxF32));
    for shader in Shader::ALL {
        if !shader.can_use_subgroups() {
            let plain = Variant::default();
            assert_eq!(shader.source(&with_subgroups(plain)), shader.source(&plain));
            continue;
        }
        for variant in variants() {
            check_needs_subgroups(shader, &with_subgroups(variant));
        }
    }
}

#[test]
fn fours_need_one_extension() {
    let in_fours = |variant: Variant| Variant { has_fours: true, ..variant };
    let shaders: Vec<Shader> =
        Shader::ALL.into_iter().filter(|shader| shader.can_use_fours()).collect();
    assert!(shaders.contains(&Shader::ProductF32) && shaders.contains(&Shader::ProductInt8));
    let is_whole = |variant: &Variant| variant.split == 1 && variant.tile_pixels.is_multiple_of(4);
    for shader in shaders {
        for variant in variants().into_iter().filter(is_whole) {
            check_needs_subgroups(shader, &in_fours(variant));
        }
    }
}

fn check_needs_subgroups(shader: Shader, variant: &Variant) {
    check(shader, variant, Capabilities::SUBGROUP);
    let without = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&parse_variant(shader, variant));
    assert!(without.is_err(), "{} needs no subgroups", shader.name());
}

fn check(shader: Shader, variant: &Variant, capabilities: Capabilities) {
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .subgroup_operations(naga::valid::SubgroupOperationSet::all());
    if let Err(error) = validator.validate(&parse_variant(shader, variant)) {
        panic!("{}: {}", shader.name(), error.emit_to_string(&shader.source(variant)));
    }
}

#[test]
fn bindings_are_the_params_the_inputs_and_the_output() {
    for shader in Shader::ALL {
        let module = parse(shader);
        let bindings: BTreeMap<u32, (&str, AddressSpace)> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| {
                let binding = variable.binding?;
                assert_eq!(binding.group, 0);
                Some((binding.binding, (variable.name.as_deref()?, variable.space)))
            })
            .collect();
        let read = AddressSpace::Storage { access: StorageAccess::LOAD };
        let write = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
        let expected: BTreeMap<u32, (&str, AddressSpace)> =
            std::iter::once(("params", AddressSpace::Uniform))
                .chain(shader.reads().iter().map(|&name| (name, read)))
                .chain(shader.writes().iter().map(|&name| (name, write)))
                .enumerate()
                .map(|(binding, what)| (binding as u32, what))
                .collect();
        assert_eq!(bindings, expected, "{}", shader.name());
    }
}

#[test]
fn params_have_the_fields_that_the_host_writes() {
    for shader in Shader::ALL {
        let module = parse(shader);
        assert_eq!(fields(&module, "Params"), shader.params(), "{}", shader.name());
        for (name, expected) in PARTS {
            if shader.params().iter().any(|(_, ty)| *ty == name) {
                assert_eq!(fields(&module, name), expected, "{}", shader.name());
            }
        }
    }
}

/// Structures within params.
const PARTS: [(&str, &[(&str, &str)]); 5] = [
    ("Window", Window::FIELDS),
    ("Residual", Residual::FIELDS),
    ("Scaling", Scaling::FIELDS),
    ("Average", Average::FIELDS),
    ("Normalization", Normalization::FIELDS),
];

/// Name and type of each field of a structure, which must have no gaps.
fn fields<'a>(module: &'a naga::Module, structure: &str) -> Vec<(&'a str, &'static str)> {
    let mut types = module.types.iter().map(|(_, ty)| ty);
    let structure = types.find(|ty| ty.name.as_deref() == Some(structure)).expect("a structure");
    let TypeInner::Struct { members, .. } = &structure.inner else { panic!("not a structure") };
    let mut offset = 0;
    let mut field = |member: &'a naga::StructMember| {
        let ty = &module.types[member.ty];
        let (name, bytes) = match ty.inner {
            TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 }) => ("u32", 4),
            TypeInner::Scalar(Scalar { kind: ScalarKind::Sint, width: 4 }) => ("i32", 4),
            TypeInner::Scalar(Scalar { kind: ScalarKind::Float, width: 4 }) => ("f32", 4),
            TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::U32 } => ("vec4<u32>", 16),
            TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::F32 } => ("vec4<f32>", 16),
            TypeInner::Struct { span, .. } => {
                let part = PARTS.iter().find(|(name, _)| ty.name.as_deref() == Some(name));
                (part.expect("a part of params").0, span)
            }
            ref other => panic!("{other:?}"),
        };
        assert_eq!(member.offset, offset, "{:?}", member.name);
        offset += bytes;
        (member.name.as_deref().unwrap_or_default(), name)
    };
    members.iter().map(&mut field).collect()
}

#[test]
fn entry_points_are_as_stated() {
    for shader in Shader::ALL {
        let module = parse(shader);
        let [entry] = &module.entry_points[..] else { panic!("{}", shader.name()) };
        assert_eq!(entry.name, ENTRY_POINT);
        assert_eq!(entry.workgroup_size, [shader.workgroup_size(), 1, 1], "{}", shader.name());
        assert!(module.overrides.is_empty(), "{}", shader.name());
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = Shader::ALL.iter().map(|shader| shader.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Shader::ALL.len());
}
