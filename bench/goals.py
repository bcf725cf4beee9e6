"""What the product promises of its speed; the report sets beside it what was reached."""

from dataclasses import dataclass

from works import METRICS

BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class Goal:
    """A figure of ours, or its ratio to a peer's; `at_most` turns the comparison round."""

    title: str
    metric: str
    bound: float
    than: str = ""
    at_most: bool = False

    def reached(self, results):
        metric = BY_NAME[self.metric]
        value = results.value("ours", metric)
        if value is None or not self.than:
            return value
        peer = results.value(self.than, metric)
        return value / peer if peer else None

    def text(self, value):
        return f"× {value:,.2f}" if self.than else BY_NAME[self.metric].text(value)

    def row(self, results):
        value = self.reached(results)
        wanted = ("≤ " if self.at_most else "≥ ") + self.text(self.bound)
        if value is None:
            return [self.title, wanted, "–", ""]
        met = value <= self.bound if self.at_most else value >= self.bound
        return [self.title, wanted, self.text(value), "yes" if met else f"no, by {abs(value / self.bound - 1):.0%}"]


GOALS = (
    Goal("A: deliveries/s", "fan", 3_500_000),
    Goal("A: beside Flask-SocketIO", "fan", 40, than="flask-socketio"),
    Goal("A: beside websockets", "fan", 20, than="websockets"),
    Goal("A: beside C, one send per delivery", "fan", 1, than="floor"),
    Goal("A at 20/s: p99 beside that C server", "fan_p99", 1.5, than="floor", at_most=True),
    Goal("A at 20/s: CPU per delivery beside that C server", "fan_cpu", 1.3, than="floor", at_most=True),
    Goal("B: messages/s, stored", "rooms", 15_000),
    Goal("B: beside Flask-SocketIO, which stores nothing", "rooms", 6, than="flask-socketio"),
    Goal("DM: messages/s, stored and acked", "private", 12_000),
    Goal("DM alone: ack p50 in ms, with the commit", "private_p50", 0.5, at_most=True),
    Goal("handshakes with session and login/s", "handshakes", 1500),
    Goal("handshakes: beside Flask-SocketIO", "handshakes", 1.5, than="flask-socketio"),
    Goal("bytes per idle logged-in connection", "memory", 2048, at_most=True),
)
