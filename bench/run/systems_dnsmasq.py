# SPDX-License-Identifier: MIT
"""dnsmasq, without its DNS."""
import subprocess

from place import OPTIONS, SERVER_IF, Place
from systems import System, wait_for_port

PROGRAM = "/usr/sbin/dnsmasq"


class Dnsmasq(System):
    name = "dnsmasq"
    title = "dnsmasq"
    # Truncated and written anew for every ACK: power that fails in between takes all leases along.
    durability = "fsync before ACK, of the whole file"
    packages = ("dnsmasq-base",)
    programs = (PROGRAM,)

    def __init__(self):
        super().__init__()
        self.process = None

    def version(self):
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0].split("  ")[0].replace("Dnsmasq version", "dnsmasq")

    @staticmethod
    def _config(place, spec):
        return "\n".join([
            "port=0", "no-hosts", "no-resolv", "user=root",
            f"interface={SERVER_IF}", "bind-interfaces",
            "no-ping", "quiet-dhcp", "log-facility=-",
            "dhcp-authoritative",
            f"dhcp-lease-max={spec.leases}",
            f"dhcp-leasefile={place.directory / 'dnsmasq.leases'}",
            f"dhcp-range={spec.FIRST},{spec.last},{spec.NETWORK.netmask},{spec.lease_s}",
            f"dhcp-option=option:router,{','.join(OPTIONS['routers'])}",
            f"dhcp-option=option:dns-server,{','.join(OPTIONS['domain-name-servers'])}",
            f"dhcp-option=option:domain-name,{OPTIONS['domain-name']}", ""])

    def start(self, place, spec):
        config = self.write(place, "dnsmasq.conf", self._config(place, spec))
        self.process = self.launch(place, "dnsmasq", PROGRAM, "--keep-in-foreground",
                                   f"--conf-file={config}")
        wait_for_port(place, self.process, "dnsmasq")

    def stop(self):
        Place.end(self.process)
        self.process = None

    def processes(self):
        return [self.process]
