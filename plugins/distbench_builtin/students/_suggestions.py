"""Efficient architectures worth a try as students, with their size at 224 pixels."""

from __future__ import annotations

from typing import TypedDict


class Suggestion(TypedDict):
    """An architecture that one may take as a student.

    Attributes:
        value: What a student component calls it, after the colon.
        parameters: Trainable numbers up to the pooled features, without a classifier.
        macs: Multiply-accumulates of an image of 224 x 224, as PyTorch's own counter has them.
        note: What it is.
    """

    value: str
    parameters: int
    macs: int
    note: str


def _rows(*rows: tuple[str, int, int, str]) -> list[Suggestion]:
    return [
        Suggestion(value=value, parameters=parameters, macs=macs, note=note)
        for value, parameters, macs, note in rows
    ]


TIMM = _rows(
    ("mobilenetv3_small_050", 568_224, 23_164_688, "MobileNetV3 (arXiv:1905.02244), half as wide"),
    ("mobilenetv3_small_100", 1_517_856, 55_486_400, "MobileNetV3 small"),
    ("mobilenetv3_large_100", 4_202_032, 215_309_760, "MobileNetV3 large: the default"),
    ("mobilenetv4_conv_small", 2_493_024, 184_725_568, "MobileNetV4 (arXiv:2404.10518)"),
    ("mobilenetv4_conv_medium", 8_434_512, 826_369_984, "MobileNetV4"),
    ("efficientnet_b0", 4_007_548, 384_534_752, "EfficientNet (arXiv:1905.11946)"),
    ("efficientnet_lite0", 3_371_008, 383_907_552, "EfficientNet without gates: quantises well"),
    ("mnasnet_100", 3_102_312, 313_135_872, "MnasNet (arXiv:1807.11626)"),
    ("ghostnet_100", 3_901_508, 139_870_512, "GhostNet (arXiv:1911.11907)"),
    ("lcnet_050", 599_856, 43_451_008, "PP-LCNet (arXiv:2109.15099): made for CPUs, half as wide"),
    ("lcnet_100", 1_672_800, 154_420_480, "PP-LCNet"),
    ("resnet10t", 4_922_488, 1_096_747_008, "ResNet of ten layers"),
    ("resnet18", 11_176_512, 1_813_561_344, "ResNet (arXiv:1512.03385): runs well everywhere"),
    ("regnety_004", 3_903_144, 401_402_848, "RegNet (arXiv:2003.13678)"),
    ("mobileone_s0", 4_268_272, 1_050_911_232, "MobileOne (arXiv:2206.04040), as trained"),
    ("mobileone_s1", 3_544_192, 828_782_080, "MobileOne, as trained; its branches can be fused"),
    ("repvit_m0_9", 4_717_792, 816_512_832, "RepViT (arXiv:2307.09283), as trained"),
    ("starnet_s1", 2_676_168, 421_685_376, "StarNet (arXiv:2403.19967)"),
    ("fastvit_t8", 3_257_232, 527_824_896, "FastViT (arXiv:2303.14189), as trained"),
    ("edgenext_xx_small", 1_158_216, 197_329_958, "EdgeNeXt (arXiv:2206.10589)"),
    ("efficientvit_b0", 2_129_008, 98_953_216, "EfficientViT (arXiv:2205.14756)"),
    ("tiny_vit_5m_224", 5_071_764, 1_254_854_720, "TinyViT (arXiv:2207.10666)"),
    ("vit_tiny_patch16_224", 5_524_416, 1_253_491_200, "a plain vision transformer"),
    ("convnext_atto", 3_374_520, 547_012_480, "the smallest ConvNeXt (arXiv:2201.03545)"),
)

TORCHVISION = _rows(
    ("shufflenet_v2_x0_5", 341_792, 39_452_448, "ShuffleNetV2 (arXiv:1807.11164), half as wide"),
    ("shufflenet_v2_x1_0", 1_253_604, 143_883_992, "ShuffleNetV2"),
    ("shufflenet_v2_x1_5", 2_478_624, 294_735_392, "ShuffleNetV2"),
    ("squeezenet1_1", 722_496, 262_623_936, "SqueezeNet (arXiv:1602.07360)"),
)
