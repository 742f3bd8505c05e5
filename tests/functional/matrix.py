# SPDX-License-Identifier: MIT
"""Parameters that tests run over: every kind of port, every kind of store."""
import pytest

all_modes = pytest.mark.parametrize("xdp", ["native", "generic", "off"], indirect=True)
native_and_off = pytest.mark.parametrize("xdp", ["native", "off"], indirect=True)
native = pytest.mark.parametrize("xdp", ["native"], indirect=True)
generic = pytest.mark.parametrize("xdp", ["generic"], indirect=True)
both_stores = pytest.mark.parametrize("store", ["embedded", "etcd"], indirect=True)
etcd = pytest.mark.parametrize("store", ["etcd"], indirect=True)
