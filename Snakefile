# A grid of chapters over models, checkpoints and seeds: every cell is one papermill run.
#
#   snakemake --workflow-profile book/grid/local                                    # this machine
#   snakemake --workflow-profile book/grid/slurm --configfile mine.yaml             # a cluster
#   snakemake --workflow-profile book/grid/kubernetes --dry-run
#
# What a grid file may say is in book/grid/grid.yaml; what happens to cells is in plateaus.book.grid.

from plateaus.book import grid

configfile: "book/grid/grid.yaml"

GRID = grid.Grid.of(config)

# Cells are asked for beside the scoreboard: one that was collected by hand stands for none of them.
rule all:
    input:
        f"{GRID.out}/scoreboard.json",
        [cell.folder for cell in GRID.cells],

rule collect:
    input:
        [cell.folder for cell in GRID.cells],
    output:
        f"{GRID.out}/scoreboard.json",
    localrule: True
    shell:
        "{GRID.python} -m plateaus.cli collect {GRID.out:q}"

# A cell is made in a folder of its own and put in place when it is whole, so that a run that is
# killed leaves nothing that could be taken for a result, and one that outlives a killed Snakemake
# disturbs nobody.
rule cell:
    input:
        notebook=lambda w: GRID.cell(w).notebook,
        parameters=GRID.parameters,
    output:
        directory(GRID.pattern),
    params:
        given=lambda w: GRID.cell(w).options,
    log:
        f"{GRID.pattern}.log",
    threads: GRID.threads
    resources:
        **GRID.resources,
    shell:
        """
        exec 2> {log:q}
        mkdir -p "$(dirname {output:q})"
        part=$(mktemp -d {output:q}.XXXXXX)
        trap 'rm -rf "$part"' EXIT
        export OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads}
        {GRID.python} -m papermill {input.notebook:q} "$part/chapter.ipynb" -k python3 \
            --no-progress-bar -f {input.parameters:q} {params.given} -p out "$part" > /dev/null
        mv -T "$part" {output:q} || test -e {output:q}/chapter.ipynb
        """

onerror:
    for line in GRID.failures():
        print(line, file=sys.stderr)
