// The end of every float operator: the fused activation.

const ACTIVATION_NONE: u32 = 0u;
const ACTIVATION_RELU: u32 = 1u;
const ACTIVATION_RELU6: u32 = 2u;
const ACTIVATION_HARD_SWISH: u32 = 3u;
const ACTIVATION_HARD_SIGMOID: u32 = 4u;
const ACTIVATION_SIGMOID: u32 = 5u;

const LARGEST: f32 = 0x1.fffffep+127;

// Without branches but for the sigmoid's: a tile ends in many of these.
fn activate(kind: u32, x: vec4<f32>) -> vec4<f32> {
    if HAS_SIGMOID && kind == ACTIVATION_SIGMOID {
        // exp(87) is below the largest float: a shader may not rely on infinity.
        return 1.0 / (1.0 + exp(min(-x, vec4<f32>(87.0))));
    }
    let low = select(0.0, -LARGEST, kind == ACTIVATION_NONE);
    let high = select(LARGEST, 6.0, kind == ACTIVATION_RELU6);
    let gate = clamp(x + 3.0, vec4<f32>(0.0), vec4<f32>(6.0)) * (1.0 / 6.0);
    let gated = select(gate, x * gate, kind == ACTIVATION_HARD_SWISH);
    return select(clamp(x, vec4<f32>(low), vec4<f32>(high)), gated, kind >= ACTIVATION_HARD_SWISH);
}

// Zeroes the lanes of a quad that lie beyond the last channel, so that no infinity or NaN
// can hide there and reach real channels through a multiplication by a padded weight.
fn zero_padding(x: vec4<f32>, quad: u32, channels: u32) -> vec4<f32> {
    let channel = vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), x, channel < vec4<u32>(channels));
}
