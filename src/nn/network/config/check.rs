//! Checks of an architecture's settings.

use super::architecture::{CnnConfig, MAX_BLOCKS, NetworkConfig, Padding};
use crate::data::{FieldError, SIDE};

/// Most parameters a net may have: keeps a damaged or mistyped file from asking for all memory.
const MAX_PARAMETERS: usize = 50_000_000;
const MAX_HIDDEN: usize = 16;
const MAX_CONVOLUTIONS: usize = 16;
const MAX_FILTERS: usize = 4096;

impl NetworkConfig {
    /// Refuses a net that cannot be built, naming the setting.
    pub fn check(&self) -> Result<(), FieldError> {
        let (hidden, initializer) = match self {
            Self::Dense(dense) => {
                share("dropout", dense.dropout)?;
                (&dense.hidden, &dense.initializer)
            }
            Self::Cnn(cnn) => {
                share("dropout", cnn.dropout)?;
                share("block_dropout", cnn.block_dropout)?;
                check_blocks(cnn)?;
                (&cnn.hidden, &cnn.initializer)
            }
        };
        initializer.check().map_err(|error| error.inside("initializer"))?;
        self.input().check().map_err(|error| error.inside("input"))?;
        if hidden.len() > MAX_HIDDEN {
            return Err(FieldError::new("hidden", format!("at most {MAX_HIDDEN} layers, found {}", hidden.len())));
        }
        let parameters = self.parameters();
        if parameters > MAX_PARAMETERS {
            return Err(FieldError::new(
                "hidden",
                format!("the net would have {parameters} parameters, at most {MAX_PARAMETERS} are allowed"),
            ));
        }
        Ok(())
    }
}

fn share(field: &str, value: f64) -> Result<(), FieldError> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(FieldError::new(field, format!("must be 0 to below 1, found {value}")))
    }
}

fn check_blocks(cnn: &CnnConfig) -> Result<(), FieldError> {
    let range = |field: &str, value: usize, most: usize| {
        if (1..=most).contains(&value) {
            Ok(())
        } else {
            Err(FieldError::new(field, format!("must be 1 to {most}, found {value}")))
        }
    };
    range("kernel", cnn.kernel, SIDE)?;
    if cnn.layout.is_empty() {
        range("filters", cnn.filters, MAX_FILTERS)?;
        range("blocks", cnn.blocks, MAX_BLOCKS)?;
        range("growth", cnn.growth, 16)?;
        range("convolutions_per_block", cnn.convolutions_per_block, MAX_CONVOLUTIONS)?;
    } else {
        check_layout(&cnn.layout)?;
    }
    if cnn.padding == Padding::Same && cnn.kernel.is_multiple_of(2) {
        return Err(FieldError::new("kernel", format!("padding \"same\" needs an odd kernel, found {}", cnn.kernel)));
    }
    let blocks = cnn.blocks().len();
    if cnn.extra_activation.len() > blocks {
        let problem = format!("has {} entries for {blocks} blocks", cnn.extra_activation.len());
        return Err(FieldError::new("extra_activation", problem));
    }
    if let Some(block) = cnn.block_sides().iter().position(|&side| side == 0) {
        let sides: Vec<String> = cnn.block_sides()[..block].iter().map(|side| format!("{side}×{side}")).collect();
        let before = if sides.is_empty() { String::from("28×28") } else { sides.join(", ") };
        let problem = format!(
            "nothing is left of the 28×28 image after block {} (before it: {before}); use fewer blocks, a smaller kernel or padding same",
            block + 1
        );
        return Err(FieldError::new(if cnn.layout.is_empty() { "blocks" } else { "layout" }, problem));
    }
    Ok(())
}

fn check_layout(layout: &[Vec<usize>]) -> Result<(), FieldError> {
    if layout.len() > MAX_BLOCKS {
        return Err(FieldError::new("layout", format!("must have 1 to {MAX_BLOCKS} blocks, found {}", layout.len())));
    }
    for (index, filters) in layout.iter().enumerate() {
        let block = index + 1;
        if !(1..=MAX_CONVOLUTIONS).contains(&filters.len()) {
            let problem =
                format!("block {block} must have 1 to {MAX_CONVOLUTIONS} convolutions, found {}", filters.len());
            return Err(FieldError::new("layout", problem));
        }
        if let Some(found) = filters.iter().find(|&filters| !(1..=MAX_FILTERS).contains(filters)) {
            let problem =
                format!("each convolution of block {block} must have 1 to {MAX_FILTERS} filters, found {found}");
            return Err(FieldError::new("layout", problem));
        }
    }
    Ok(())
}
