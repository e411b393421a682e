// How pixel values become the numbers of a network: less the mean, times the scale, by channel.

// 8 words, so that fields may follow in a uniform.
struct Normalization {
    mean: vec4<f32>,
    scale: vec4<f32>,
}
