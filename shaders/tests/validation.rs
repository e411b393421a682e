//! Every shader parses and validates, and is what its description says. Needs no adapter.

use std::collections::BTreeMap;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Scalar, ScalarKind, StorageAccess, TypeInner, VectorSize};
use pocketvision_shaders::params::{ParamsLayout, Window};
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
        assert_eq!(fields(&module, "Params"), shader.params(), "{}", shader.name());
        if shader.params().contains(&("window", "Window")) {
            assert_eq!(fields(&module, "Window"), Window::FIELDS, "{}", shader.name());
        }
    }
}

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
            TypeInner::Struct { span, .. } if ty.name.as_deref() == Some("Window") => {
                ("Window", span)
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
