//! Every shader parses and validates, and is what its description says. Needs no adapter.

use std::collections::BTreeMap;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Scalar, ScalarKind, StorageAccess, TypeInner};
use pocketvision_shaders::{ENTRY_POINT, HAS_WEIGHT_ZERO_POINT, Shader, WORKGROUP_SIZE};

fn parse(shader: Shader) -> naga::Module {
    let source = shader.source();
    naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}: {}", shader.name(), error.emit_to_string(&source)))
}

#[test]
fn every_shader_is_valid_without_any_extension() {
    for shader in Shader::ALL {
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        if let Err(error) = validator.validate(&parse(shader)) {
            panic!("{}: {}", shader.name(), error.emit_to_string(&shader.source()));
        }
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
                .chain([("output", write)])
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
        let (_, params) = module
            .types
            .iter()
            .find(|(_, ty)| ty.name.as_deref() == Some("Params"))
            .expect("a structure named Params");
        let TypeInner::Struct { members, .. } = &params.inner else { panic!("not a structure") };
        let fields: Vec<(&str, &str)> = members
            .iter()
            .enumerate()
            .map(|(index, member)| {
                assert_eq!(member.offset, 4 * index as u32, "{}", shader.name());
                let ty = match module.types[member.ty].inner {
                    TypeInner::Scalar(Scalar { kind: ScalarKind::Uint, width: 4 }) => "u32",
                    TypeInner::Scalar(Scalar { kind: ScalarKind::Sint, width: 4 }) => "i32",
                    TypeInner::Scalar(Scalar { kind: ScalarKind::Float, width: 4 }) => "f32",
                    ref other => panic!("{}: {other:?}", shader.name()),
                };
                (member.name.as_deref().unwrap_or_default(), ty)
            })
            .collect();
        assert_eq!(fields, shader.params(), "{}", shader.name());
    }
}

#[test]
fn entry_points_and_overrides_are_as_stated() {
    for shader in Shader::ALL {
        let module = parse(shader);
        let [entry] = &module.entry_points[..] else { panic!("{}", shader.name()) };
        assert_eq!(entry.name, ENTRY_POINT);
        assert_eq!(entry.workgroup_size, [WORKGROUP_SIZE, 1, 1], "{}", shader.name());
        let overrides: Vec<_> =
            module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
        let expected: &[&str] = match shader {
            Shader::Conv2dInt8 | Shader::PointwiseInt8 => &[HAS_WEIGHT_ZERO_POINT],
            _ => &[],
        };
        assert_eq!(overrides, expected, "{}", shader.name());
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = Shader::ALL.iter().map(|shader| shader.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Shader::ALL.len());
}
