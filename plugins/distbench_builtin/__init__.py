"""Everything of distbench that has a name, as an ordinary plugin."""

from __future__ import annotations

from distbench import hookimpl

_HERE = "distbench_builtin"


def _modules(kind: str, names: str) -> dict[str, str]:
    """Where components are whose module has their name: ``NAME:CLASS``, one after the other."""
    pairs = (pair.split(":") for pair in names.split())
    return {name: f"{_HERE}.{kind}.{name}:{cls}" for name, cls in pairs}


def _datasets(prefix: str, names: str, place: str) -> dict[str, str]:
    """Where the one class of many tasks is, by data set."""
    return {f"{prefix}-{name}": f"{_HERE}.tasks.{place}" for name in names.split()}


@hookimpl
def distbench_zoos() -> dict[str, str]:
    """Zoos: the embedded one, published ones, and folders of the user's own models."""
    return _modules(
        "zoos",
        """foundation:FoundationZoo hub:HubZoo joined:JoinedZoo local:LocalZoo mini:MiniZoo
        open_clip:OpenClipZoo parc:ParcZoo timm:TimmZoo torchvision:TorchvisionZoo
        trained:TrainedZoo""",
    )


@hookimpl
def distbench_metrics() -> dict[str, str]:
    """Metrics, of single sources and of teams."""
    single = _modules(
        "metrics",
        """cka:CKA dds:DDS etran:ETran gbc:GBC hscore:HScore hscore_shrinkage:HScoreShrinkage
        knn:KNN leep:LEEP lfc:LFC linear_probe:LinearProbe logme:LogME nce:NCE ncti:NCTI
        nleep:NLEEP pactran:PACTran parc:PARC plasticity:Plasticity random:Random
        ridge_loo:RidgeLOO rsa:RSA sfda:SFDA source_size:SourceSize transrate:TransRate
        zero_shot:ZeroShot""",
    )
    return single | _modules("metrics.teams", "e_leep:ELEEP ms_leep:MSLEEP osborn:OSBORN")


@hookimpl
def distbench_strategies() -> dict[str, str]:
    """Strategies: how scores become weights."""
    return _modules(
        "strategies",
        """cautious:Cautious equal:Equal greedy:Greedy members:Members nearest:Nearest
        nearest_domain:NearestDomain one_per_domain:OnePerDomain only:Only softmax:Softmax
        subset:Subset team:Team top:Top weighted:Weighted""",
    )


@hookimpl
def distbench_students() -> dict[str, str]:
    """Students."""
    return _modules("students", "mini:MiniStudent timm:TimmStudent torchvision:TorchvisionStudent")


@hookimpl
def distbench_distillers() -> dict[str, str]:
    """Distillers."""
    return _modules(
        "distillers",
        """ae_kd:AEKD agglomerative:Agglomerative ca_mkd:CAMKD
        distill_generalist:DistillGeneralist feature_matching:FeatureMatching
        finetune_source:FineTuneSource joint_labels:JointLabels joint_linear:JointLinear
        label_propagation:LabelPropagation logit_matching:LogitMatching
        peft_ensemble:PeftEnsemble probe_source:ProbeSource pseudo_labels:PseudoLabels
        task_agnostic:TaskAgnosticTransfer
        task_oriented:TaskOrientedTransfer zero_shot:ZeroShotDistillation""",
    )


@hookimpl
def distbench_baselines() -> dict[str, str]:
    """Baselines."""
    return _modules(
        "baselines",
        """adamatch:AdaMatch finetune:FineTune fixmatch:FixMatch flexmatch:FlexMatch
        freematch:FreeMatch
        head_finetune:HeadFineTune linear_probe:LinearProbing logit_adjusted:LogitAdjusted
        lp_ft:LinearProbingThenFineTuning mean_teacher:MeanTeacher pseudo_label:PseudoLabel
        scratch:Scratch softmatch:SoftMatch view_averaging:ViewAveraging""",
    )


@hookimpl
def distbench_tasks() -> dict[str, str]:
    """Tasks: image folders, data sets of others, those of the papers, and the drawn ones."""
    return {
        **_modules(
            "tasks",
            """chestx14:ChestXray14 folder:FolderTask hub:HubTask images:ImagesTask
            torchvision:TorchvisionTask voc2007:Voc2007""",
        ),
        **_datasets(
            "paper",
            "cifar10 cub200 chestx eurosat isic2018 nabirds oxford_pets stanford_dogs",
            "paper.task:PaperTask",
        ),
        **_datasets(
            "taskoriented", "eurosat ham10000 places365 imagenet", "paper.budget_task:BudgetTask"
        ),
        **_datasets(
            "mini",
            """cifar10 cub chestx eurosat isic nabirds pets dogs
            dev-objects dev-birds dev-land dev-skin""",
            "mini:MiniTask",
        ),
    }


@hookimpl
def distbench_suites() -> dict[str, str]:
    """Suites."""
    return {
        "mini": f"{_HERE}.suites.mini:Mini",
        "paper8": f"{_HERE}.suites.paper8:Paper8",
        "taskoriented": f"{_HERE}.suites.paper8:TaskOriented",
        "taskoriented_imagenet": f"{_HERE}.suites.paper8:TaskOrientedImageNet",
    }


@hookimpl
def distbench_measures() -> dict[str, str]:
    """Measures: what test answers are judged by."""
    return _modules(
        "measures",
        """accuracy:Accuracy auroc:AUROC balanced_accuracy:BalancedAccuracy ece:ECE f1:F1
        map:MeanAveragePrecision nll:NLL top5:Top5 worst_class:WorstClass""",
    )


@hookimpl
def distbench_executors() -> dict[str, str]:
    """Executors."""
    return _modules("executors", "dask:Dask local:Local ray:Ray serial:Serial slurm:Slurm")


@hookimpl
def distbench_reporters() -> dict[str, str]:
    """Reporters."""
    return _modules("reporters", "jsonl:Jsonl mlflow:MLflow tensorboard:TensorBoard wandb:Wandb")


@hookimpl
def distbench_overlaps() -> dict[str, list[str]]:
    """Data sets that hold images of others."""
    from distbench_builtin.overlaps import table

    return table()
