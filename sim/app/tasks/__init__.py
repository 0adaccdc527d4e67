"""One file per verb. A task is a frozen dataclass with `run(study, folder)`, found by its `_target_` in conf/task/."""
