//! `docs/models.md` says what the definitions say.

use std::fmt::Write as _;
use std::fs;

use pocketvision::models::{ALL, Definition};

#[test]
fn the_table_of_models_is_up_to_date() {
    let mut page = String::from(INTRODUCTION);
    for definition in ALL {
        page.push_str(&row(definition));
    }
    page.push_str("\n## Where computed and published figures part\n\n");
    for definition in ALL {
        if let Some(difference) = definition.published.difference {
            let _ = writeln!(page, "- `{}`: {difference}.", definition.name);
        }
    }
    page.push_str("\n## Sources of the published figures\n\n");
    let mut sources: Vec<&str> = Vec::new();
    for definition in ALL {
        let source = definition.published.source;
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    for source in sources {
        let of_source = ALL.iter().filter(|definition| definition.published.source == source);
        let names: Vec<String> = of_source.map(|d| format!("`{}`", d.name)).collect();
        let _ = writeln!(page, "- {}: {source}.", names.join(", "));
    }

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/models.md");
    if std::env::var_os("POCKETVISION_BLESS").is_some() {
        fs::write(path, &page).expect("docs/models.md can be written");
    }
    let written = fs::read_to_string(path).expect("docs/models.md is in the repository");
    assert!(written == page, "docs/models.md is stale: run this test with POCKETVISION_BLESS=1");
}

fn row(definition: &Definition) -> String {
    let size = definition.size(&definition.options()).expect("a definition at its own size");
    let published = &definition.published;
    let figure = |figure: Option<f64>, decimals: usize| {
        figure.map_or("–".to_owned(), |figure| format!("{figure:.decimals$}"))
    };
    format!(
        "| `{}`{} | {} | {:.2} | {} | {:.3} | {} | {} |\n",
        definition.name,
        if published.difference.is_some() { " \\*" } else { "" },
        definition.input_size,
        size.macs as f64 / 1e6,
        figure(published.macs_millions, 0),
        size.parameters as f64 / 1e6,
        figure(published.parameters_millions, 2),
        figure(published.top1_percent, 1),
    )
}

const INTRODUCTION: &str = "\
# Networks by name

Every network that `--model` builds without a file. Multiply-accumulates (of convolutions, one
image) and parameters (batch normalisation's scale and shift included, with ImageNet's 1001 classes,
COCO's 91, Cityscapes' 19 or Pascal VOC's 21) are computed from the definition; beside them is what
was published, in millions, and the published ImageNet top-1 in percent. A test of the facade writes
this page.

Any of them comes at another input size (`--size 192`, or `--size 513x1025`), class count (`--classes`) and width
(`--width`), in float or int8 (`--precision`). Their weights are random: they cost what the
trained networks cost, and what they say means nothing. One comes trained,
[`mobilenet-edgetpu-cifar10`](built-in-network.md). Other trained weights come from files:
`--model FILE` reads `.tflite`, `.onnx`, and `.safetensors` checkpoints with the tensor names of
torchvision, timm, TensorFlow-slim or our own; which network a checkpoint is of is found out.
`tools/check-weights/check.py` compares such networks with torchvision's and timm's own.

| name | input | M MACs | published | M parameters | published | top-1 % |
|---|---|---|---|---|---|---|
";
