//! Flex tensors as the slices and views that the kernels read, and back.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;

use crate::memory::View;

/// Returns a tensor's memory with its strides.
pub(crate) fn view(tensor: &FloatTensor<Flex>) -> View<'_> {
    let layout = tensor.layout();
    let mut strides = [0; 4];
    strides.copy_from_slice(layout.strides());
    View { data: tensor.storage::<f32>(), offset: layout.start_offset(), strides }
}

pub(crate) fn dims<const D: usize>(tensor: &FloatTensor<Flex>) -> [usize; D] {
    tensor.shape().dims()
}

/// Returns `values` in the memory order `[batch, height, width, channels]` as a tensor `[batch, channels, height,
/// width]`.
pub(crate) fn channels_last(values: Vec<f32>, [batch, channels, height, width]: [usize; 4]) -> FloatTensor<Flex> {
    Flex::float_permute(tensor(values, &[batch, height, width, channels]), &[0, 3, 1, 2])
}

pub(crate) fn tensor(values: Vec<f32>, shape: &[usize]) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(values, shape.to_vec()), &Default::default())
}
