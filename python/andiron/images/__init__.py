"""Images: decoding, transforms, batches for `fit` and `predict` (docs/images.md).

steps = andiron.images.Pipeline([images.Resize(256), images.CenterCrop(224), images.ToTensor()])
photos, = steps(["a.jpg"])                       # [1, 3, 224, 224]
train = andiron.image_dataset_from_directory("photos", image_size=(224, 224))
model.fit(train, epochs=3)
"""

from andiron.images._datasets import (
    ImageDataset,
    dataset_from_paths,
    dataset_from_table,
    image_dataset_from_directory,
)
from andiron.images._functions import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    affine,
    autocontrast,
    decode,
    equalize,
    header,
    posterize,
    read,
    resize,
    solarize,
)
from andiron.images._pipeline import Loaded, Pipeline
from andiron.images._sources import spark_image_bytes
from andiron.images._transforms import (
    CenterCrop,
    ColorJitter,
    Normalize,
    RandAugment,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomVerticalFlip,
    Rescaling,
    Resize,
    ToTensor,
)

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "ImageDataset",
    "Loaded",
    "Normalize",
    "Pipeline",
    "RandAugment",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomVerticalFlip",
    "Rescaling",
    "Resize",
    "ToTensor",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "dataset_from_paths",
    "dataset_from_table",
    "decode",
    "equalize",
    "header",
    "image_dataset_from_directory",
    "posterize",
    "read",
    "resize",
    "solarize",
    "spark_image_bytes",
]
