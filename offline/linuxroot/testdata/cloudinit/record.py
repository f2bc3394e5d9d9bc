#!/usr/bin/env python3
"""Records what cloud-init makes of configurations: python3 record.py DIST-PACKAGES > cases.json

DIST-PACKAGES is usr/lib/python3/dist-packages of an unpacked cloud-init package
(apt-get download cloud-init; dpkg-deb -x). Configurations are made from a fixed
seed, so that a run with the same version gives the same file.
"""
import copy, importlib.util, json, os, random, sys, tempfile

root = sys.argv[1]
sys.path.insert(0, root)
from cloudinit import util  # noqa: E402

spec = importlib.util.spec_from_file_location("ug_util", os.path.join(root, "cloudinit/distros/ug_util.py"))
ug_util = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ug_util)

import logging  # noqa: E402
logging.disable(logging.CRITICAL)

rnd = random.Random(20)

USERS = [
    "[default]", "[default, alice]", "[alice, bob]", "[]", "default", "'default,carol'", "'carol,dave'",
    "{default: true, erin: {gecos: E}}", "{frank: yes, grace: no}", "[{name: heidi, sudo: false}, default]",
    "[default, {name: ivan, ssh-authorized-keys: [k]}]", "[{gecos: unnamed}]", "[[judy, default]]", "7", "null",
]
HOW = ["list(append)+dict(recurse_list)+str()", "dict(replace)+list()", "list(append)", "dict(no_replace, recurse_list)+list(prepend)+str()",
       "[{name: list, settings: [append]}, {name: dict, settings: [no_replace, recurse_list]}]",
       "[[list, append], [dict, recurse_array, recurse_str], [str, append]]", "dict(allow_delete,recurse_str)+str(append)", "list(no_replace)+dict(recurse_list)"]
BOOL = ["true", "false", "yes", "no", "on", "off", "1", "0", "'1'", "'no'", "True", "OFF", "null", "maybe", "'On'"]


def document():
    lines = []
    if rnd.random() < 0.35:
        lines.append("users: " + rnd.choice(USERS))
    if rnd.random() < 0.15:
        lines.append("user: " + rnd.choice(["zoe", "{name: yann, gecos: Y}", "{gecos: only}", "''", "null", "[bad]"]))
    if rnd.random() < 0.3:
        lines.append("disable_root: " + rnd.choice(BOOL))
    if rnd.random() < 0.3:
        lines.append("ssh_deletekeys: " + rnd.choice(BOOL))
    if rnd.random() < 0.35:
        lines.append("system_info:\n  default_user:\n    name: " + rnd.choice(["ubuntu", "ec2-user", "admin"]) +
                     "\n    groups: [adm, sudo]" + rnd.choice(["", "\n    shell: /bin/bash"]) + rnd.choice(["", "\n  distro: debian"]))
    if rnd.random() < 0.2:
        lines.append("ssh_authorized_keys: [" + ", ".join(rnd.sample(["k1", "k2", "k3"], 2)) + "]")
    if rnd.random() < 0.3:
        lines.append("deep:\n  list: [%d, {x: %d}, text]\n  text: t%d\n  more: {a: %d}" % tuple(rnd.randrange(9) for _ in range(4)))
    if rnd.random() < 0.2:
        lines.append("deep2: &a {p: %d, q: [1, 2]}\nalias: *a\nmerged:\n  <<: *a\n  p: own" % rnd.randrange(9))
    if rnd.random() < 0.3:
        key = rnd.choice(["merge_how", "merge_type"])
        lines.append(key + ": " + rnd.choice(['"%s"' % h if "(" in h else h for h in HOW]))
    if rnd.random() < 0.08:
        lines.append("twice: 1\ntwice: 2")
    return "\n".join(lines) + "\n" if lines else rnd.choice(["", "# nothing\n", "- a list\n"])


class Distro:
    def __init__(self, default):
        self.default = default

    def get_default_user(self):
        if not self.default:
            return None
        default = copy.deepcopy(self.default)
        return default


def record():
    files = {"etc/cloud/cloud.cfg": document()}
    for name in rnd.sample(["05_logging.cfg", "50-a.cfg", "90_dpkg.cfg", "99-z.cfg", "Z.cfg", "zz.cfg", "ignored.conf"], rnd.randrange(4)):
        files["etc/cloud/cloud.cfg.d/" + name] = document()
    if rnd.random() < 0.1:
        del files["etc/cloud/cloud.cfg"]
    inst = "var/lib/cloud/instance/"
    if rnd.random() < 0.5:
        files[inst + "cloud-config.txt"] = "#cloud-config\n" + document()
    for name in ("vendor-cloud-config.txt", "vendor2-cloud-config.txt"):
        if rnd.random() < 0.15:
            files[inst + name] = document()
    with tempfile.TemporaryDirectory() as top:
        for name, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "w") as f:
                f.write(text)
        base = util.read_conf_with_confd(os.path.join(top, "etc/cloud/cloud.cfg"))
        sources = []
        for name in ("cloud-config.txt", "vendor2-cloud-config.txt", "vendor-cloud-config.txt"):
            p = os.path.join(top, inst, name)
            if os.path.isfile(p):
                sources.append(util.read_conf(p))
        merged = util.mergemanydict(sources + [base])
        system = (base.get("system_info") or {}).get("default_user")
    users, _ = ug_util.normalize_users_groups(copy.deepcopy(merged), Distro(system))
    default, _ = ug_util.extract_default(users)
    return {"files": files, "merged": merged, "default": default or "", "users": sorted(u for u in users if isinstance(u, str)),
            "disable_root": util.get_cfg_option_bool(merged, "disable_root", True),
            "ssh_deletekeys": util.get_cfg_option_bool(merged, "ssh_deletekeys", True)}


cases, stopped = [], 0
while len(cases) < 150:
    try:
        cases.append(record())
    except Exception as e:  # cloud-init itself stops on these
        stopped += 1
        print("cloud-init stops:", type(e).__name__, e, file=sys.stderr)
print("[" + ",\n".join(json.dumps(c, sort_keys=True) for c in cases) + "]")
