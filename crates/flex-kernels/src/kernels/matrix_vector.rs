//! A dense layer of one image: a matrix-vector product over the inputs that are not zero.

use pulp::{Simd, WithSimd};

use super::arithmetic::mul_add;

/// An input that is not zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Input {
    /// Index among the inputs.
    pub row: u32,
    pub value: f32,
}

/// Vectors of the panel with which a row of so many vectors of weights begins; the next panel is that of what is left.
pub(crate) fn panel(vectors: usize) -> usize {
    match vectors {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    }
}

/// `bias + Σ value · weights[row]`. The weights pass the processor once, in order, and those of zero inputs (four of
/// five pixels) not at all: a layer of one image is bound by memory, not by arithmetic.
pub(crate) struct MatrixVector<'a> {
    pub inputs: &'a [Input],
    /// `[panel][input][output]`, panels as [`panel`] says.
    pub weights: &'a [f32],
    /// Bias of each output, padded to whole vectors.
    pub bias: &'a [f32],
    /// Like `bias`.
    pub values: &'a mut [f32],
}

impl WithSimd for MatrixVector<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { inputs, weights, bias, values } = self;
        let outputs = bias.len();
        assert!(
            outputs.is_multiple_of(S::F32_LANES) && values.len() == outputs && weights.len().is_multiple_of(outputs)
        );
        let rows = weights.len() / outputs;
        let mut at = 0;
        while at < outputs {
            let vectors = panel((outputs - at) / S::F32_LANES);
            let width = vectors * S::F32_LANES;
            let (weights, _) = S::as_simd_f32s(&weights[at * rows..][..width * rows]);
            let (bias, _) = S::as_simd_f32s(&bias[at..][..width]);
            let (values, _) = S::as_mut_simd_f32s(&mut values[at..][..width]);
            // Eight sums at a time: additions that wait for each other would leave the multipliers idle.
            match vectors {
                8 => products::<S, 1, 8>(s, inputs, weights, bias, values),
                4 => products::<S, 2, 4>(s, inputs, weights, bias, values),
                2 => products::<S, 4, 2>(s, inputs, weights, bias, values),
                _ => products::<S, 8, 1>(s, inputs, weights, bias, values),
            }
            at += width;
        }
    }
}

/// Computes a panel of `V` vectors, `U` inputs at a time, each with sums of its own.
#[inline(always)]
fn products<S: Simd, const U: usize, const V: usize>(
    s: S,
    inputs: &[Input],
    weights: &[S::f32s],
    bias: &[S::f32s],
    values: &mut [S::f32s],
) {
    let mut sums = [[s.splat_f32s(0.0); V]; U];
    sums[0].copy_from_slice(bias);
    let (groups, rest) = inputs.as_chunks::<U>();
    for group in groups {
        for u in 0..U {
            add::<S, V>(s, group[u], weights, &mut sums[u]);
        }
    }
    for &input in rest {
        add::<S, V>(s, input, weights, &mut sums[0]);
    }
    for v in 0..V {
        for u in 1..U {
            sums[0][v] = s.add_f32s(sums[0][v], sums[u][v]);
        }
    }
    values.copy_from_slice(&sums[0]);
}

#[inline(always)]
fn add<S: Simd, const V: usize>(s: S, input: Input, weights: &[S::f32s], sums: &mut [S::f32s; V]) {
    let x = s.splat_f32s(input.value);
    let weights = &weights[input.row as usize * V..][..V];
    for v in 0..V {
        sums[v] = mul_add(s, x, weights[v], sums[v]);
    }
}
