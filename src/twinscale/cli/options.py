"""Arguments and options that several commands share."""

from typing import Annotated

import typer

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT... [OUTPUT]",
        help="Pictures, folders, patterns, or - for standard input. Of two names, the second is the "
        "output; name it with -o where that file exists.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Output file or folder, or - for standard output.", show_default=False),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Name of a model (twin-x3), of a family (twin: its model for the scale), or folder.",
        show_default=False,
    ),
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="Take the mean of what becomes of eight rotations and reflections: a little better, eight times the time.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", "-f", help="Format of the output, instead of its extension's.", show_default=False),
]
Quality = Annotated[
    int | None, typer.Option("--quality", "-q", min=1, max=100, help="Quality of lossy formats.", show_default=False)
]
Tile = Annotated[
    int | None,
    typer.Option(
        "--tile",
        "-t",
        min=0,
        help="Side of a tile in pixels, 0 for the whole picture; by default as large as a gibibyte allows.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", "-j", min=1, help="Processors to use; all by default.", show_default=False)
]
Device = Annotated[
    str,
    typer.Option("--device", "-d", help="cpu, cuda, cuda:1, tensorrt, directml, coreml, gpu … as far as installed."),
]
Backend = Annotated[str, typer.Option("--backend", help="onnxruntime, openvino, or auto: the faster one.")]
Precision = Annotated[
    str, typer.Option("--precision", help="float32, or bfloat16: faster where the processor has it, a little off.")
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Enter folders below folders.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out inputs whose output exists: resumes a batch.")
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a report as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]
