//! Assignment of a file's arrays to a net's weights.
//!
//! 1. A file with the net's own names is assigned by name.
//! 2. Otherwise arrays are grouped into modules by their name up to the last dot (`features.0.weight` and
//!    `features.0.bias` are the module `features.0`), and modules into kinds by the dimensions of their `weight`: 4 for
//!    convolutions, 2 for fully connected layers, 1 for norms. A norm may have no weight but a `running_mean`. The file
//!    and the net must have as many of each kind.
//! 3. Modules of a kind whose names differ in nothing but one number (`0`, `3`; `conv1`, `conv2`) are the net's layers
//!    in the order of that number. Modules with other names (`fc1`, `out`) are identified by the shape of their weight;
//!    if several have the same, those must differ in one number.
//! 4. Every array must have the shape that its layer needs, and no array may be missing or left over.
//!
//! So an assignment is always unique: modules that names do not order must differ in shape.

use std::collections::BTreeMap;

/// Arrays by name, each with its shape.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// Largest number of arrays that an error lists.
const LISTED: usize = 40;

/// Module of a file or a net: its arrays by the part of the name behind the last dot.
#[derive(Clone, Debug)]
struct Module<'a> {
    name: &'a str,
    arrays: BTreeMap<&'a str, &'a [usize]>,
}

impl Module<'_> {
    /// Returns the shape that identifies the module: of its weight, or of the running mean of a norm without one.
    fn telling(&self) -> Option<&[usize]> {
        ["weight", "running_mean"].iter().find_map(|name| self.arrays.get(name).copied())
    }
}

/// Maps each name that a net needs to the name in the file; returns the problem, with the names in the file, if there
/// is no unique assignment.
pub(super) fn match_names(needed: &Shapes, found: &Shapes) -> Result<BTreeMap<String, String>, String> {
    let result = if needed.keys().eq(found.keys()) {
        Ok(needed.keys().map(|name| (name.clone(), name.clone())).collect())
    } else {
        by_modules(needed, found)
    };
    let checked = result.and_then(|names: BTreeMap<String, String>| {
        let wrong = names.iter().find(|(need, find)| needed[*need] != found[*find]);
        match wrong {
            Some((need, find)) if need == find => {
                Err(format!("{need} is {:?}, the net needs {:?}", found[find], needed[need]))
            }
            Some((need, find)) => {
                Err(format!("{find} would be {need}, but is {:?}; the net needs {:?}", found[find], needed[need]))
            }
            None => Ok(names),
        }
    });
    checked.map_err(|problem| format!("does not fit the net: {problem}. It holds {}", list(found)))
}

fn by_modules(needed: &Shapes, found: &Shapes) -> Result<BTreeMap<String, String>, String> {
    let (layers, modules) = (modules(needed)?, modules(found)?);
    let mut names = BTreeMap::new();
    for (dimensions, kind) in [(Some(4), "convolutions"), (Some(2), "fully connected layers"), (Some(1), "norms")] {
        let of_kind = |modules: &[Module<'_>]| {
            modules.iter().filter(|module| module.telling().map(<[usize]>::len) == dimensions).count()
        };
        let (layers_of_kind, modules_of_kind) = (of_kind(&layers), of_kind(&modules));
        if layers_of_kind != modules_of_kind {
            return Err(format!("it has {modules_of_kind} {kind}, the net has {layers_of_kind}"));
        }
    }
    if let Some(other) = modules.iter().find(|module| !matches!(module.telling().map(<[usize]>::len), Some(1 | 2 | 4)))
    {
        return Err(format!("{} is no layer of a net: it has no `weight` of 4, 2 or 1 dimensions", other.name));
    }
    for dimensions in [4, 2, 1] {
        let of_kind = |modules: &[Module<'_>]| -> Vec<usize> {
            let indices = 0..modules.len();
            indices.filter(|&index| modules[index].telling().is_some_and(|weight| weight.len() == dimensions)).collect()
        };
        let layers: Vec<&Module<'_>> = of_kind(&layers).into_iter().map(|index| &layers[index]).collect();
        let modules: Vec<&Module<'_>> = of_kind(&modules).into_iter().map(|index| &modules[index]).collect();
        for (layer, module) in pair(&layers, &modules)? {
            if !layer.arrays.keys().eq(module.arrays.keys()) {
                let suffixes = |module: &Module<'_>| module.arrays.keys().copied().collect::<Vec<_>>().join(" and ");
                let problem = format!("{} would be {}, but has {}", module.name, layer.name, suffixes(module));
                return Err(format!("{problem}; the net needs {}", suffixes(layer)));
            }
            let name = |module: &Module<'_>, suffix: &str| format!("{}.{suffix}", module.name);
            names.extend(layer.arrays.keys().map(|suffix| (name(layer, suffix), name(module, suffix))));
        }
    }
    match needed.keys().find(|name| !names.contains_key(*name)) {
        Some(name) => Err(format!("the net also needs {name}, which only a file with the net's own names can hold")),
        None => Ok(names),
    }
}

/// The modules in the natural order of their names: `hidden.2` before `hidden.10`.
fn modules(shapes: &Shapes) -> Result<Vec<Module<'_>>, String> {
    let mut by_name: BTreeMap<&str, Module<'_>> = BTreeMap::new();
    for (name, shape) in shapes {
        let Some((module, suffix)) = name.rsplit_once('.') else {
            return Err(format!("{name} has no module in its name, such as `0.weight` or `fc1.bias`"));
        };
        by_name
            .entry(module)
            .or_insert_with(|| Module { name: module, arrays: BTreeMap::new() })
            .arrays
            .insert(suffix, shape);
    }
    let mut modules: Vec<Module<'_>> = by_name.into_values().collect();
    modules.sort_by_cached_key(|module| parts(module.name));
    Ok(modules)
}

/// Pairs layers with modules of one kind and the same number, both in natural order.
fn pair<'a>(
    layers: &[&'a Module<'a>],
    modules: &[&'a Module<'a>],
) -> Result<Vec<(&'a Module<'a>, &'a Module<'a>)>, String> {
    if are_numbered(modules) {
        return Ok(layers.iter().copied().zip(modules.iter().copied()).collect());
    }
    let mut pairs = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let alike = |all: &[&'a Module<'a>]| -> Vec<&'a Module<'a>> {
            all.iter().copied().filter(|other| other.telling() == layer.telling()).collect()
        };
        let (candidates, rivals) = (alike(modules), alike(&layers[..index]).len());
        let shape = layer.telling().unwrap_or_default();
        if !are_numbered(&candidates) {
            let names: Vec<&str> = candidates.iter().map(|module| module.name).collect();
            return Err(format!(
                "{} have the same shape {shape:?}, and no number in their names says which comes first",
                names.join(" and ")
            ));
        }
        match candidates.get(rivals) {
            Some(module) => pairs.push((*layer, *module)),
            None => return Err(format!("no weight has the shape {shape:?} that {} needs", layer.name)),
        }
    }
    Ok(pairs)
}

/// A piece of a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NamePart {
    Number(u64),
    Text(String),
}

/// A name cut into texts and numbers.
fn parts(name: &str) -> Vec<NamePart> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        // A number beyond 64 bits counts no layers.
        parts.push(part.parse().map_or_else(|_| NamePart::Text(part.to_owned()), NamePart::Number));
        rest = after;
    }
    parts
}

/// True if the names differ in one number and in nothing else. Modules are in natural order, so that this is the order
/// of the number.
fn are_numbered(modules: &[&Module<'_>]) -> bool {
    let names: Vec<Vec<NamePart>> = modules.iter().map(|module| parts(module.name)).collect();
    let Some((first, others)) = names.split_first() else { return true };
    if others.iter().any(|name| name.len() != first.len()) {
        return false;
    }
    let differing: Vec<usize> =
        (0..first.len()).filter(|&index| others.iter().any(|name| name[index] != first[index])).collect();
    match differing[..] {
        [] => others.is_empty(),
        [index] => {
            names.iter().all(|name| matches!(name[index], NamePart::Number(_)))
                && names.windows(2).all(|pair| pair[0] != pair[1])
        }
        _ => false,
    }
}

fn list(found: &Shapes) -> String {
    let mut listed: Vec<String> = found.iter().take(LISTED).map(|(name, shape)| format!("{name} {shape:?}")).collect();
    if found.is_empty() {
        return "nothing".to_owned();
    }
    if found.len() > LISTED {
        listed.push(format!("and {} more", found.len() - LISTED));
    }
    listed.join(", ")
}
