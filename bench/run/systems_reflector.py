# SPDX-License-Identifier: MIT
"""The ceiling: frames turned round in place over the server's own ports (bench/reflect)."""
from place import SERVER_IF
from server import build_dir
from systems import System


class Reflector(System):
    name = "reflector"
    title = "reflector"
    durability = "none: it answers without looking"
    durable = False

    def __init__(self):
        super().__init__()
        self.process = None

    def version(self):
        return "etcdhcp-reflect"

    def start(self, place, spec):
        command = [build_dir() / "bench" / "reflect" / "etcdhcp-reflect", "-i", SERVER_IF,
                   "-s", spec.server, "-f", spec.FIRST]
        self.process = self.launch(place, "reflector", *command)
        place.wait(self.process, lambda: "ready" in place.tail("reflector"), "reflector")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        self.process = None

    def processes(self):
        return [self.process]
