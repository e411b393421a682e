// Which element an invocation works on, when a dispatch too long for one dimension is split
// over two.

fn linear_workgroup(workgroup: vec3<u32>, workgroups: vec3<u32>) -> u32 {
    return workgroup.y * workgroups.x + workgroup.x;
}

fn linear_invocation(workgroup: vec3<u32>, workgroups: vec3<u32>, local: u32) -> u32 {
    return linear_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + local;
}
