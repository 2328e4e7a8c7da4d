"""Everything of distbench that has a name, as an ordinary plugin."""

from __future__ import annotations

from distbench import hookimpl

_HERE = "distbench_builtin"
_MINI_TASKS = ("cifar10", "cub", "chestx", "eurosat", "isic", "nabirds", "pets", "dogs")
_MINI_DEV_TASKS = ("dev-objects", "dev-birds", "dev-land", "dev-skin")
_PAPER_TASKS = (
    "cifar10",
    "cub200",
    "chestx",
    "eurosat",
    "isic2018",
    "nabirds",
    "oxford_pets",
    "stanford_dogs",
)
_BUDGET_TASKS = ("eurosat", "ham10000", "places365", "imagenet")


@hookimpl
def distbench_zoos() -> dict[str, str]:
    """Zoos: the embedded one, published ones, and folders of the user's own models."""
    return {
        "foundation": f"{_HERE}.zoos.foundation:FoundationZoo",
        "local": f"{_HERE}.zoos.local:LocalZoo",
        "mini": f"{_HERE}.zoos.mini:MiniZoo",
        "parc": f"{_HERE}.zoos.parc:ParcZoo",
        "timm": f"{_HERE}.zoos.timm:TimmZoo",
        "torchvision": f"{_HERE}.zoos.torchvision:TorchvisionZoo",
        "trained": f"{_HERE}.zoos.trained:TrainedZoo",
    }


@hookimpl
def distbench_metrics() -> dict[str, str]:
    """Metrics."""
    return {
        "cka": f"{_HERE}.metrics.cka:CKA",
        "dds": f"{_HERE}.metrics.dds:DDS",
        "etran": f"{_HERE}.metrics.etran:ETran",
        "gbc": f"{_HERE}.metrics.gbc:GBC",
        "hscore": f"{_HERE}.metrics.hscore:HScore",
        "hscore_shrinkage": f"{_HERE}.metrics.hscore_shrinkage:HScoreShrinkage",
        "knn": f"{_HERE}.metrics.knn:KNN",
        "leep": f"{_HERE}.metrics.leep:LEEP",
        "lfc": f"{_HERE}.metrics.lfc:LFC",
        "linear_probe": f"{_HERE}.metrics.linear_probe:LinearProbe",
        "logme": f"{_HERE}.metrics.logme:LogME",
        "nce": f"{_HERE}.metrics.nce:NCE",
        "ncti": f"{_HERE}.metrics.ncti:NCTI",
        "nleep": f"{_HERE}.metrics.nleep:NLEEP",
        "pactran": f"{_HERE}.metrics.pactran:PACTran",
        "parc": f"{_HERE}.metrics.parc:PARC",
        "plasticity": f"{_HERE}.metrics.plasticity:Plasticity",
        "random": f"{_HERE}.metrics.random:Random",
        "ridge_loo": f"{_HERE}.metrics.ridge_loo:RidgeLOO",
        "rsa": f"{_HERE}.metrics.rsa:RSA",
        "sfda": f"{_HERE}.metrics.sfda:SFDA",
        "source_size": f"{_HERE}.metrics.source_size:SourceSize",
        "transrate": f"{_HERE}.metrics.transrate:TransRate",
    }


@hookimpl
def distbench_strategies() -> dict[str, str]:
    """Strategies: how scores become weights."""
    return {
        "equal": f"{_HERE}.strategies.equal:Equal",
        "nearest": f"{_HERE}.strategies.nearest:Nearest",
        "nearest_domain": f"{_HERE}.strategies.nearest_domain:NearestDomain",
        "one_per_domain": f"{_HERE}.strategies.one_per_domain:OnePerDomain",
        "only": f"{_HERE}.strategies.only:Only",
        "softmax": f"{_HERE}.strategies.softmax:Softmax",
        "subset": f"{_HERE}.strategies.subset:Subset",
        "top": f"{_HERE}.strategies.top:Top",
        "weighted": f"{_HERE}.strategies.weighted:Weighted",
    }


@hookimpl
def distbench_students() -> dict[str, str]:
    """Students."""
    return {
        "mini": f"{_HERE}.students.mini:MiniStudent",
        "timm": f"{_HERE}.students.timm:TimmStudent",
        "torchvision": f"{_HERE}.students.torchvision:TorchvisionStudent",
    }


@hookimpl
def distbench_distillers() -> dict[str, str]:
    """Distillers."""
    return {
        "distill_generalist": f"{_HERE}.distillers.distill_generalist:DistillGeneralist",
        "finetune_source": f"{_HERE}.distillers.finetune_source:FineTuneSource",
        "joint_labels": f"{_HERE}.distillers.joint_labels:JointLabels",
        "label_propagation": f"{_HERE}.distillers.label_propagation:LabelPropagation",
        "probe_source": f"{_HERE}.distillers.probe_source:ProbeSource",
        "pseudo_labels": f"{_HERE}.distillers.pseudo_labels:PseudoLabels",
        "task_agnostic": f"{_HERE}.distillers.task_agnostic:TaskAgnosticTransfer",
        "task_oriented": f"{_HERE}.distillers.task_oriented:TaskOrientedTransfer",
    }


@hookimpl
def distbench_baselines() -> dict[str, str]:
    """Baselines."""
    return {
        "finetune": f"{_HERE}.baselines.finetune:FineTune",
        "fixmatch": f"{_HERE}.baselines.fixmatch:FixMatch",
        "flexmatch": f"{_HERE}.baselines.flexmatch:FlexMatch",
        "linear_probe": f"{_HERE}.baselines.linear_probe:LinearProbing",
        "pseudo_label": f"{_HERE}.baselines.pseudo_label:PseudoLabel",
        "scratch": f"{_HERE}.baselines.scratch:Scratch",
    }


@hookimpl
def distbench_tasks() -> dict[str, str]:
    """Tasks: image folders, data sets of others, those of the papers, and the drawn ones."""
    mini = {
        f"mini-{name}": f"{_HERE}.tasks.mini:MiniTask" for name in _MINI_TASKS + _MINI_DEV_TASKS
    }
    paper = {f"paper-{name}": f"{_HERE}.tasks.paper.task:PaperTask" for name in _PAPER_TASKS}
    budgets = {
        f"taskoriented-{name}": f"{_HERE}.tasks.paper.budget_task:BudgetTask"
        for name in _BUDGET_TASKS
    }
    return {
        "folder": f"{_HERE}.tasks.folder:FolderTask",
        "hub": f"{_HERE}.tasks.hub:HubTask",
        "images": f"{_HERE}.tasks.images:ImagesTask",
        "torchvision": f"{_HERE}.tasks.torchvision:TorchvisionTask",
        "voc2007": f"{_HERE}.tasks.voc2007:Voc2007",
        **paper,
        **budgets,
        **mini,
    }


@hookimpl
def distbench_suites() -> dict[str, str]:
    """Suites."""
    return {
        "mini": f"{_HERE}.suites.mini:Mini",
        "paper8": f"{_HERE}.suites.paper8:Paper8",
        "taskoriented": f"{_HERE}.suites.paper8:TaskOriented",
    }


@hookimpl
def distbench_executors() -> dict[str, str]:
    """Executors."""
    return {
        "local": f"{_HERE}.executors.local:Local",
        "serial": f"{_HERE}.executors.serial:Serial",
    }


@hookimpl
def distbench_reporters() -> dict[str, str]:
    """Reporters."""
    return {
        "jsonl": f"{_HERE}.reporters.jsonl:Jsonl",
        "mlflow": f"{_HERE}.reporters.mlflow:MLflow",
        "tensorboard": f"{_HERE}.reporters.tensorboard:TensorBoard",
        "wandb": f"{_HERE}.reporters.wandb:Wandb",
    }


@hookimpl
def distbench_overlaps() -> dict[str, list[str]]:
    """Data sets that hold images of others."""
    from distbench_builtin.overlaps import table

    return table()
