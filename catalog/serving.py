"""Language models of known shape, the images that serve them, and documented deployments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from catalog.tables import Tables
from catalog.types import (
    LanguageModel,
    ModelDeployment,
    ModelLoader,
    ModelRefusal,
    ModelType,
    ServingImage,
)


class Serving:
    """Language models, the images that serve them, and deployments."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def models(self) -> Mapping[str, LanguageModel]:
        """The language models of known shape, by their id at Hugging Face."""
        models = self._tables.typed("language_models", LanguageModel)
        return MappingProxyType({model.id: model for model in models})

    @cached_property
    def model_types(self) -> Mapping[str, ModelType]:
        """The architectures whose configuration files can be read, by their name there."""
        types = self._tables.typed("model_types", ModelType)
        return MappingProxyType({each.model_type: each for each in types})

    @cached_property
    def images(self) -> tuple[ServingImage, ...]:
        """The images that serve models, the preferred ones first."""
        images = self._tables.typed("serving_images", ServingImage)
        return tuple(sorted(images, key=lambda image: (image.order, image.name)))

    def loader(self, instance_type: str) -> ModelLoader:
        """The image that copies a model from S3 on an instance of the type."""
        loaders = self._tables.typed("model_loaders", ModelLoader)
        named = (loader for loader in loaders if instance_type in loader.types)
        return next(named, next(loader for loader in loaders if not loader.types))

    @cached_property
    def refusals(self) -> tuple[ModelRefusal, ...]:
        """The models that are known to fail with an image on a family."""
        return self._tables.typed("model_refusals", ModelRefusal)

    @cached_property
    def deployments(self) -> tuple[ModelDeployment, ...]:
        """The documented deployments, including failures, of models of known shape."""
        return self._tables.typed("model_deployments", ModelDeployment)
