"""What AWS offers: sorted tables with sources and dates, and their reader.

The tables are renewed by a command of their own; reading them needs no account and no network.
"""

from catalog.amis import image_day
from catalog.instances import generation
from catalog.reader import Catalog, load
from catalog.tables import CatalogError
from catalog.types import (
    AmiDriver,
    AmiFamily,
    AmiVersion,
    ContainerImage,
    DriverConflict,
    InstanceType,
    InterfaceEndpoint,
    LanguageModel,
    LinuxCapability,
    ModelDeployment,
    ModelLoader,
    ModelRefusal,
    ModelType,
    NeuronHardware,
    NeuronMetric,
    NeuronSdk,
    Region,
    Replacement,
    Server,
    ServerCache,
    ServerOption,
    ServingImage,
    TableInfo,
)

__all__ = [
    "AmiDriver",
    "AmiFamily",
    "AmiVersion",
    "Catalog",
    "CatalogError",
    "ContainerImage",
    "DriverConflict",
    "InstanceType",
    "InterfaceEndpoint",
    "LanguageModel",
    "LinuxCapability",
    "ModelDeployment",
    "ModelLoader",
    "ModelRefusal",
    "ModelType",
    "NeuronHardware",
    "NeuronMetric",
    "NeuronSdk",
    "Region",
    "Replacement",
    "Server",
    "ServerCache",
    "ServerOption",
    "ServingImage",
    "TableInfo",
    "generation",
    "image_day",
    "load",
]
