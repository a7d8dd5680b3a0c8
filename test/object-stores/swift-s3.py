"""The S3 server of the tests: OpenStack Swift's account, container, object and proxy servers in one process on 127.0.0.1.

usage: swift-s3.py DIRECTORY PORT PORT PORT PORT [encrypt]    (proxy, account, container, object)
With `encrypt` every object is encrypted on disk, and requests may ask for that (AES256).
The access key is "test:tester", the secret "testing"; every request is made with path-style addresses in us-east-1.
DIRECTORY must allow user extended attributes. Says "up" on standard output when it listens.
"""
import base64
import logging
import os
import socket
import sys

import eventlet
import eventlet.wsgi

eventlet.monkey_patch()

HOME = os.path.abspath(sys.argv[1])
PROXY, ACCOUNT, CONTAINER, OBJECT = (int(word) for word in sys.argv[2:6])
ETC, DEVICES = os.path.join(HOME, "etc"), os.path.join(HOME, "devices")
FILTERS = {
    "catch_errors": {}, "gatekeeper": {}, "healthcheck": {}, "cache": {"use": "memcache"}, "listing_formats": {}, "bulk": {},
    "s3api": {"s3_acl": "false", "location": "us-east-1", "min_segment_size": "5242880",
              "max_bucket_listing": "5"},
    "tempauth": {"user_test_tester": "testing .admin"}, "slo": {}, "dlo": {},
    "versioned_writes": {"allow_versioned_writes": "true"}, "symlink": {}, "copy": {},
}
if "encrypt" in sys.argv[6:]:
    FILTERS["keymaster"] = {"encryption_root_secret": base64.b64encode(os.urandom(32)).decode()}
    FILTERS["encryption"] = {}


def write(name, sections):
    with open(os.path.join(ETC, name), "w") as file:
        for title, rows in sections.items():
            file.write("[%s]\n" % title + "".join("%s = %s\n" % row for row in rows.items()))


for directory in (ETC, os.path.join(DEVICES, "d1")):
    os.makedirs(directory, exist_ok=True)
write("swift.conf", {
    "swift-hash": {"swift_hash_path_suffix": "t", "swift_hash_path_prefix": "t"},
    "storage-policy:0": {"name": "p0", "default": "yes"},
})
write("proxy.conf", {
    "DEFAULT": {"bind_ip": "127.0.0.1", "bind_port": PROXY, "swift_dir": ETC, "log_level": "ERROR"},
    "pipeline:main": {"pipeline": " ".join(FILTERS) + " proxy-server"},
    "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true", "allow_account_management": "true"},
    **{"filter:" + name: {"use": "egg:swift#" + rows.get("use", name), **{key: value for key, value in rows.items() if key != "use"}}
       for name, rows in FILTERS.items()},
})

import swift.common.utils as utils  # noqa: E402  (reads swift.conf, which is written above)

modules = [utils]
try:
    import swift.common.utils.config as utils_config
    modules.append(utils_config)
except ImportError:
    pass
for module in modules:
    if hasattr(module, "SWIFT_CONF_FILE"):
        module.SWIFT_CONF_FILE = os.path.join(ETC, "swift.conf")
utils.HASH_PATH_SUFFIX = utils.HASH_PATH_PREFIX = b"t"

from swift.account.server import AccountController  # noqa: E402
from swift.common.ring.builder import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.server import ObjectController  # noqa: E402
try:
    from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
except ImportError:
    from swift.common.wsgi import SwiftHttpProtocol  # noqa: E402

LOG = logging.getLogger("wsgi")
LOG.setLevel(logging.ERROR)


def make_ring(name, port):
    builder = RingBuilder(4, 1, 1)
    place = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "d1", "meta": "", **place})
    builder.rebalance()
    builder.get_ring().save(os.path.join(ETC, name + ".ring.gz"))


def serve(port, application):
    listener = eventlet.listen(("127.0.0.1", port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return eventlet.spawn(eventlet.wsgi.server, listener, application, LOG, protocol=SwiftHttpProtocol, capitalize_response_headers=False)


storage = {
    "devices": DEVICES, "swift_dir": ETC, "mount_check": "false", "log_level": "ERROR", "fallocate_reserve": "0",
    "disable_fallocate": "true",
}
for name, port, controller in (("account", ACCOUNT, AccountController), ("container", CONTAINER, ContainerController), ("object", OBJECT, ObjectController)):
    make_ring(name, port)
    serve(port, controller(dict(storage, bind_port=str(port))))
proxy = serve(PROXY, loadapp(os.path.join(ETC, "proxy.conf")))
print("up", flush=True)
proxy.wait()
