"""The bytes of events as TensorBoard's own writer makes them, for src/fit/tensorboard.

    pip install tensorboard==2.21.0 && python tests/reference/tensorboard_events.py > tests/data/fit/tensorboard.json
"""
import io
import json

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event: Event) -> str:
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString())
    return file.getvalue().hex()


def scalar(at: float, step: int, tag: str, value: float) -> dict[str, object]:
    event = Event(wall_time=at, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))
    return {"at": at, "step": step, "tag": tag, "value": event.summary.value[0].simple_value, "record": record(event)}


long_tag = "loss/" + "x" * 200
print(json.dumps({
    "version": record(Event(wall_time=1796000000.25, file_version="brain.Event:2")),
    "start": record(Event(wall_time=1796000000.25, session_log=SessionLog(status=SessionLog.START))),
    "scalars": [
        scalar(1796000000.25, 1, "loss/train", 0.34375),
        scalar(1796000001.5, 127, "accuracy/validation", 0.987),
        scalar(1796000002.0, 128, "learning_rate", 1e-7),
        scalar(0.5, 300_000_000_000, "by_iteration/loss", -2.5),
        scalar(1796000003.0, 0, long_tag, 3.0e38),
    ],
}, indent=1))
