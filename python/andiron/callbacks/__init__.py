"""Hooks into training: Keras's callbacks, names and defaults."""

from andiron.callbacks._averages import SwapEMAWeights
from andiron.callbacks._figures import CSVLogger, History, ProgbarLogger, RemoteMonitor
from andiron.callbacks._learning_rate import LearningRateScheduler, ReduceLROnPlateau
from andiron.callbacks._protocol import Callback, LambdaCallback
from andiron.callbacks._protocol import for_core as for_core
from andiron.callbacks._saving import BackupAndRestore, ModelCheckpoint
from andiron.callbacks._stopping import EarlyStopping, TerminateOnNaN
from andiron.callbacks._tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
