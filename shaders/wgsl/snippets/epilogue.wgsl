// The end of every float operator: the fused activation.

const ACTIVATION_NONE: u32 = 0u;
const ACTIVATION_RELU: u32 = 1u;
const ACTIVATION_RELU6: u32 = 2u;
const ACTIVATION_HARD_SWISH: u32 = 3u;
const ACTIVATION_HARD_SIGMOID: u32 = 4u;
const ACTIVATION_SIGMOID: u32 = 5u;

fn activate(kind: u32, x: vec4<f32>) -> vec4<f32> {
    let zero = vec4<f32>(0.0);
    let six = vec4<f32>(6.0);
    switch kind {
        case ACTIVATION_RELU: {
            return max(x, zero);
        }
        case ACTIVATION_RELU6: {
            return clamp(x, zero, six);
        }
        case ACTIVATION_HARD_SWISH: {
            return x * (clamp(x + 3.0, zero, six) * (1.0 / 6.0));
        }
        case ACTIVATION_HARD_SIGMOID: {
            return clamp(x + 3.0, zero, six) * (1.0 / 6.0);
        }
        case ACTIVATION_SIGMOID: {
            // exp(87) is below the largest float: a shader may not rely on infinity.
            return 1.0 / (1.0 + exp(min(-x, vec4<f32>(87.0))));
        }
        default: {
            return x;
        }
    }
}

// Zeroes the lanes of a quad that lie beyond the last channel, so that no infinity or NaN
// can hide there and reach real channels through a multiplication by a padded weight.
fn zero_padding(x: vec4<f32>, quad: u32, channels: u32) -> vec4<f32> {
    let channel = vec4<u32>(4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    return select(vec4<f32>(0.0), x, channel < vec4<u32>(channels));
}
