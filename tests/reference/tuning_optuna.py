"""Lets Optuna read and write study logs: tests/library/study_log.rs compares its description with the program's.

    python tuning_optuna.py read LOG            prints everything in LOG
    python tuning_optuna.py write LOG           writes a log with every kind of trial, then prints it
    python tuning_optuna.py append LOG STUDY    adds a trial, a note and another study to LOG, then prints it

Times are whole microseconds since 1970.
"""

import json
import math
import sys

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

optuna.logging.set_verbosity(optuna.logging.WARNING)


def number(value):
    """JSON has no NaN."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def microseconds(time):
    return None if time is None else round(time.timestamp() * 1e6)


def trial(frozen):
    return {
        "number": frozen.number,
        "state": "failed" if frozen.state.name == "FAIL" else frozen.state.name.lower(),
        "value": number(frozen.value),
        "parameters": {
            name: {"value": value, "distribution": json.loads(distribution_to_json(frozen.distributions[name]))["attributes"]}
            for name, value in frozen.params.items()
        },
        "steps": {str(step): number(value) for step, value in frozen.intermediate_values.items()},
        "attributes": frozen.user_attrs,
        "started": microseconds(frozen.datetime_start),
        "finished": microseconds(frozen.datetime_complete),
    }


def read(log):
    storage = JournalStorage(JournalFileBackend(log))
    studies = []
    for name in (frozen.study_name for frozen in storage.get_all_studies()):
        study = optuna.load_study(study_name=name, storage=storage)
        complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        studies.append({
            "name": name,
            "maximised": study.direction == optuna.study.StudyDirection.MAXIMIZE,
            "attributes": study.user_attrs,
            "trials": [trial(frozen) for frozen in study.trials],
            "best": study.best_trial.number if complete else None,
        })
    print(json.dumps(studies))


def write(log):
    storage = JournalStorage(JournalFileBackend(log))
    gone = optuna.create_study(study_name="gone", storage=storage)
    gone.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    study = optuna.create_study(study_name="other", storage=storage, direction="maximize")
    study.set_user_attr("purpose", {"größe": [1, None, 0.5]})
    study.enqueue_trial({"units": 64, "rate": 0.25, "kernel": "a"})

    def objective(trial):
        units = trial.suggest_int("units", 16, 512, log=True)
        trial.suggest_int("layers", 1, 9, step=2)
        rate = trial.suggest_float("rate", 0, 0.75, step=0.25)
        trial.suggest_float("decay", 1e-8, 1e-1, log=True)
        trial.suggest_categorical("kernel", ["a", 3, 0.5, True, None, "[1, 2]", '"NaN"'])
        trial.set_user_attr("standard_error", 0.01)
        trial.set_user_attr("text", "a \"quoted\", \\ line\nand NaN, π")
        trial.report(float("nan"), 0)
        trial.report(float("-inf"), 1)
        trial.report(rate, 10)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ValueError("failed on purpose")
        return float("inf") if trial.number == 3 else 1 / units

    study.optimize(objective, n_trials=6, catch=ValueError)
    study.ask()
    study.enqueue_trial({"units": 32})
    several = optuna.create_study(study_name="minimised", storage=storage)
    several.add_trial(optuna.trial.create_trial(value=0.5, user_attrs={"a": 1}))
    optuna.delete_study(study_name="gone", storage=storage)
    again = optuna.create_study(study_name="gone", storage=storage)
    again.set_user_attr("again", True)


def append(log, name):
    storage = JournalStorage(JournalFileBackend(log))
    optuna.create_study(study_name="beside", storage=storage).add_trial(optuna.trial.create_trial(value=1.0))
    study = optuna.load_study(study_name=name, storage=storage)
    study.set_user_attr("note", "looks fine")
    study.tell(study.ask({"rate": optuna.distributions.FloatDistribution(0, 1)}), 0.125)


if __name__ == "__main__":
    command, log, *rest = sys.argv[1:]
    if command == "write":
        write(log)
    elif command == "append":
        append(log, *rest)
    read(log)
