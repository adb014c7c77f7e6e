# Which notebook makes what, for which month. `tierlab run` calls this; it also works alone:
#
#   snakemake --cores 2 --rerun-triggers mtime --config profile=params/demo.yaml months=2026-10
#
# (`months` takes several, with commas; `raw`, `out` and `notebooks` are those of `tierlab run`.)
# A step runs when the digest of its own inputs changed or a step before it ran. Rules call the
# command line, so that the same jobs can be handed to a cluster by an executor plugin.
from analysis.pipeline.planning import Plan

plan = Plan.of(config)


rule all:
    input:
        plan.targets,


rule cleaning:
    input:
        plan.digest("cleaning"),
    output:
        plan.marker("cleaning"),
    threads: plan.threads("cleaning")
    priority: plan.priority("cleaning")
    shell:
        plan.command("cleaning")


rule segmentation:
    input:
        plan.digest("segmentation"),
        plan.marker("cleaning"),
    output:
        plan.marker("segmentation"),
    threads: plan.threads("segmentation")
    priority: plan.priority("segmentation")
    shell:
        plan.command("segmentation")


rule evaluation:
    input:
        plan.digest("evaluation"),
        plan.marker("segmentation"),
    output:
        plan.marker("evaluation"),
    threads: plan.threads("evaluation")
    priority: plan.priority("evaluation")
    shell:
        plan.command("evaluation")


rule report:
    input:
        plan.digest("report-{language}"),
        plan.marker("evaluation"),
        plan.month_before,
    output:
        plan.marker("report-{language}"),
    priority: plan.priority("report")
    shell:
        plan.command("report-{wildcards.language}")


rule publication:
    input:
        plan.digest("publication"),
        plan.marker_of_each_language("report"),
    output:
        plan.marker("publication"),
    priority: plan.priority("publication")
    shell:
        plan.command("publication")
