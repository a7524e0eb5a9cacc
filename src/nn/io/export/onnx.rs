//! A net as an ONNX graph: one function for each kind of layer, in the order in which an image meets them.

use burn::{nn::Linear, tensor::Tensor};

use crate::{
    data::{CLASSES, SIDE},
    nn::{
        error::NnError,
        network::{
            activation::{Activation, LEAK, SELU_ALPHA, SELU_SCALE},
            block::{Block, Convolution, End},
            config::Pool,
            net::Network,
            output::{LEAST_PROBABILITY, Output},
            weights::read,
        },
    },
    onnx::{Attribute, Graph, Value},
    storage::Notes,
};

const DESCRIPTION: &str = "A classifier of handwritten digits. `image`: [N, 1, 28, 28], 0 = background, 1 = ink. `logits`: [N, 10], before \
                           the last function. `probabilities`: [N, 10], of the digits 0 to 9; each row adds up to 1.";

/// The whole file.
pub(super) fn file(network: &Network, notes: &Notes) -> Result<Vec<u8>, NnError> {
    let mut writer = Writer { graph: Graph::default(), activation: network.activation() };
    let image = writer.graph.input("image", &[1, SIDE, SIDE]);
    let mut x = writer.scaled(network, image)?;
    for (index, block) in network.blocks.iter().enumerate() {
        x = writer.block(&format!("blocks.{index}"), block, x)?;
    }
    x = writer.flatten(&x);
    for (index, linear) in network.hidden.iter().enumerate() {
        x = writer.linear(&format!("hidden.{index}"), None, linear, &x)?;
        x = writer.activate(&x);
    }
    let logits = writer.linear("output", Some("logits"), &network.output, &x)?;
    let probabilities = match network.output_kind() {
        Output::Softmax => writer.softmax(&logits),
        Output::Sigmoid => {
            let sigmoids = writer.graph.node("Sigmoid", &[&logits], &[]);
            writer.shares(&sigmoids)
        }
        Output::Raw => writer.shares(&logits),
    };
    let mut graph = writer.graph;
    graph.output(&logits, &[CLASSES]);
    graph.output(&probabilities, &[CLASSES]);
    Ok(graph.into_file("digits", DESCRIPTION, notes))
}

struct Writer {
    graph: Graph,
    activation: Activation,
}

impl Writer {
    /// The pixels as the first layer wants them.
    fn scaled(&mut self, network: &Network, x: Value) -> Result<Value, NnError> {
        let Some((scale, shift)) = network.input.constants() else { return Ok(x) };
        let scale = self.parameter("input.scale", scale)?;
        let shift = self.parameter("input.shift", shift)?;
        let x = self.graph.node("Mul", &[&x, &scale], &[]);
        Ok(self.graph.node("Add", &[&x, &shift], &[]))
    }

    /// Convolutions, each with the activation, the pool, and the activation once more if the block says so.
    fn block(&mut self, name: &str, block: &Block, mut x: Value) -> Result<Value, NnError> {
        let last = block.convolutions.len().saturating_sub(1);
        for (index, convolution) in block.convolutions.iter().enumerate() {
            x = self.convolution(&format!("{name}.convolutions.{index}"), convolution, &x)?;
            if index < last {
                x = self.activate(&x);
            }
        }
        // The same numbers either way; the activation of a quarter of the elements is cheaper.
        x = if block.pool_goes_first() {
            let x = self.pool(block.end, &x);
            self.activate(&x)
        } else {
            let x = self.activate(&x);
            self.pool(block.end, &x)
        };
        Ok(if block.extra_activation { self.activate(&x) } else { x })
    }

    /// `[N, in, height, width]` → `[N, out, height', width']`.
    fn convolution(&mut self, name: &str, convolution: &Convolution, x: &Value) -> Result<Value, NnError> {
        let (weight, bias) = convolution.folded();
        let weight = self.parameter(&format!("{name}.weight"), weight)?;
        let bias = self.parameter(&format!("{name}.bias"), bias)?;
        let border = convolution.padding as i64;
        Ok(self.graph.node("Conv", &[x, &weight, &bias], &[Attribute::Integers("pads", vec![border; 4])]))
    }

    /// Windows of 2×2, stride 2, an odd last row or column being left out; or one over the whole map.
    fn pool(&mut self, end: End, x: &Value) -> Value {
        let operator = match end {
            End::Windows(Pool::Max) => "MaxPool",
            End::Windows(Pool::Average) => "AveragePool",
            End::Map(Pool::Max) => return self.graph.node("GlobalMaxPool", &[x], &[]),
            End::Map(Pool::Average) => return self.graph.node("GlobalAveragePool", &[x], &[]),
        };
        self.graph.node(
            operator,
            &[x],
            &[Attribute::Integers("kernel_shape", vec![2, 2]), Attribute::Integers("strides", vec![2, 2])],
        )
    }

    /// `[N, channels, height, width]` → `[N, channels · height · width]`.
    fn flatten(&mut self, x: &Value) -> Value {
        self.graph.node("Flatten", &[x], &[Attribute::Integer("axis", 1)])
    }

    /// `[N, in]` → `[N, out]`; `output` names what it gives.
    fn linear(&mut self, name: &str, output: Option<&str>, linear: &Linear, x: &Value) -> Result<Value, NnError> {
        let weight = self.parameter(&format!("{name}.weight"), linear.weight.val().swap_dims(0, 1))?;
        let bias = linear.bias.as_ref().map(|bias| self.parameter(&format!("{name}.bias"), bias.val())).transpose()?;
        let inputs: Vec<&Value> = [x, &weight].into_iter().chain(&bias).collect();
        let attributes = [Attribute::Integer("transB", 1)];
        Ok(match output {
            Some(output) => self.graph.named_node(output, "Gemm", &inputs, &attributes),
            None => self.graph.node("Gemm", &inputs, &attributes),
        })
    }

    /// The net's activation, element by element.
    fn activate(&mut self, x: &Value) -> Value {
        let graph = &mut self.graph;
        match self.activation {
            Activation::Relu => graph.node("Relu", &[x], &[]),
            Activation::Elu => graph.node("Elu", &[x], &[Attribute::Float("alpha", 1.0)]),
            Activation::Tanh => graph.node("Tanh", &[x], &[]),
            Activation::Sigmoid => graph.node("Sigmoid", &[x], &[]),
            Activation::Selu => {
                let constants =
                    [Attribute::Float("alpha", SELU_ALPHA as f32), Attribute::Float("gamma", SELU_SCALE as f32)];
                graph.node("Selu", &[x], &constants)
            }
            Activation::Softplus => graph.node("Softplus", &[x], &[]),
            Activation::Softsign => graph.node("Softsign", &[x], &[]),
            Activation::LeakyRelu => graph.node("LeakyRelu", &[x], &[Attribute::Float("alpha", LEAK as f32)]),
            Activation::Swish => {
                let gate = graph.node("Sigmoid", &[x], &[]);
                graph.node("Mul", &[x, &gate], &[])
            }
        }
    }

    /// Probabilities of a net that ends in a softmax.
    fn softmax(&mut self, logits: &Value) -> Value {
        self.graph.named_node("probabilities", "Softmax", &[logits], &[Attribute::Integer("axis", 1)])
    }

    /// Probabilities of a net without a softmax: its outputs, or their sigmoids, cut to 1e-7 … 1 and divided by their
    /// sum.
    fn shares(&mut self, scores: &Value) -> Value {
        let least = self.graph.weight("least_probability", &[], &[LEAST_PROBABILITY as f32]);
        let most = self.graph.weight("greatest_probability", &[], &[1.0]);
        let axes = self.graph.integers("classes_axis", &[1]);
        let cut = self.graph.node("Clip", &[scores, &least, &most], &[]);
        let sum = self.graph.node("ReduceSum", &[&cut, &axes], &[Attribute::Integer("keepdims", 1)]);
        self.graph.named_node("probabilities", "Div", &[&cut, &sum], &[])
    }

    fn parameter<const D: usize>(&mut self, name: &str, tensor: Tensor<D>) -> Result<Value, NnError> {
        let shape = tensor.dims();
        Ok(self.graph.weight(name, &shape, &read(tensor)?))
    }
}
