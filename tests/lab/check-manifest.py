#!/usr/bin/env python3
"""Renders the Kubernetes base and every overlay, and holds what deploy/kubernetes/README.md promises of them.

Each must render, be valid by the schemas of Kubernetes without a field that they do not know, keep the promises below, and carry a
configuration and policies that the product itself accepts.

Comes from: deploy/kubernetes, `kubectl`, the package kubernetes-validate (it brings the schemas; no cluster, no network), and the
binary named on the command line. Goes to: standard output; exit 1 when something is wrong.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

KUBERNETES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
# ReadWriteOncePod is in every cluster since 1.29; clusters of these versions are in use.
VERSIONS = ("1.29", "1.37")
NAMESPACE = "writeback"
USER = 65532
# The operator's own types have no schema in Kubernetes: what must be there, by kind.
CUSTOM = {
    "PodMonitor": {"selector", "podMetricsEndpoints"},
    "PrometheusRule": {"groups"},
}
WRONG = []


class Rendered:
    """What `kubectl kustomize` makes of one folder."""

    def __init__(self, folder):
        self.name = str(folder.relative_to(KUBERNETES))
        made = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
        self.expect(made.returncode == 0, "renders: %s" % made.stderr.strip())
        self.documents = [document for document in yaml.safe_load_all(made.stdout) if document]

    def expect(self, condition, sentence):
        if not condition:
            WRONG.append("%s: %s" % (self.name, sentence))

    def all(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind):
        found = self.all(kind)
        self.expect(len(found) == 1, "has one %s, not %d" % (kind, len(found)))
        return found[0]

    def config_map(self, start):
        found = [one for one in self.all("ConfigMap") if one["metadata"]["name"].startswith(start)]
        self.expect(len(found) == 1, "has one ConfigMap %s, not %d" % (start, len(found)))
        return found[0]["data"]


def check_schema(rendered, documents):
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if kind in CUSTOM:
            rendered.expect(document["apiVersion"] == "monitoring.coreos.com/v1", "%s is of the operator" % kind)
            missing = CUSTOM[kind] - set(document["spec"])
            rendered.expect(not missing, "%s has %s" % (kind, missing))
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                rendered.expect(False, "%s %s by %s: %s at %s" % (kind, name, version, error.message, list(error.path)))


def check_promises(rendered):
    """Of every rendering, whatever it is for."""
    for document in rendered.documents:
        if document["kind"] != "Namespace":
            there = document["metadata"].get("namespace")
            rendered.expect(there == NAMESPACE, "%s is in the namespace %s" % (document["kind"], there))
    level = rendered.one("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    rendered.expect(level == "restricted", "the namespace admits restricted pods only")
    rendered.expect(not rendered.all("Secret"), "no secret stands in a manifest")
    rendered.expect(not rendered.all("Role") and not rendered.all("ClusterRole"), "it asks the cluster for no right")
    account = rendered.one("ServiceAccount")
    rendered.expect(account["automountServiceAccountToken"] is False, "the account gives no token")

    stateful_set = rendered.one("StatefulSet")["spec"]
    rendered.expect(stateful_set["replicas"] == 1, "one writer")
    for claim in stateful_set.get("volumeClaimTemplates") or []:
        rendered.expect(claim["spec"]["accessModes"] == ["ReadWriteOncePod"], "the state is mounted by one pod only")
    labels = stateful_set["template"]["metadata"]["labels"]
    for selector in [stateful_set["selector"]["matchLabels"], rendered.one("Service")["spec"]["selector"]]:
        rendered.expect(selector.items() <= labels.items(), "the selectors find the pod")

    pod = stateful_set["template"]["spec"]
    rendered.expect(pod["automountServiceAccountToken"] is False, "no token of the cluster")
    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
        rendered.expect(not pod.get(forbidden), "no %s" % forbidden)
    security = pod["securityContext"]
    rendered.expect(security["runAsNonRoot"] is True and security["runAsUser"] == USER, "the user of the image")
    rendered.expect(security["seccompProfile"]["type"] == "RuntimeDefault", "the runtime's seccomp profile")
    volumes = [volume["name"] for volume in pod["volumes"]]
    volumes += [claim["metadata"]["name"] for claim in stateful_set.get("volumeClaimTemplates") or []]
    mounted = set()
    for container in pod["containers"]:
        check_container(rendered, container)
        mounted |= {mount["name"] for mount in container["volumeMounts"]}
    rendered.expect(sorted(volumes) == sorted(mounted), "every volume is mounted, every mount has one volume")
    for volume in pod["volumes"]:
        rendered.expect(len(volume) == 2, "%s is of one kind" % volume)


def check_container(rendered, container):
    name, security = container["name"], container["securityContext"]
    rendered.expect(security["readOnlyRootFilesystem"] is True, "%s: the root is read-only" % name)
    rendered.expect(security["allowPrivilegeEscalation"] is False, "%s: no privilege escalation" % name)
    rendered.expect(security["capabilities"] == {"drop": ["ALL"]}, "%s: no capability" % name)
    rendered.expect(security.get("runAsUser", USER) != 0, "%s: not root" % name)
    rendered.expect("memory" in container["resources"]["limits"], "%s: its memory has a limit" % name)
    tag = container["image"].rpartition(":")[2]
    rendered.expect(tag not in ("", "latest") and "/" not in tag, "%s: the image has a version" % name)
    rendered.expect("livenessProbe" in container, "%s: it is watched" % name)
    # A file that is mounted by subPath never changes.
    rendered.expect(not [m for m in container["volumeMounts"] if "subPath" in m], "%s: no subPath" % name)


def check_daemon(rendered, product):
    """Of what runs the daemon: the configuration fits the pod, and the product accepts it."""
    pod = rendered.one("StatefulSet")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    text = rendered.config_map("writeback-configuration")["writeback.yaml"]
    configuration = yaml.safe_load(text)
    port = container["ports"][0]["containerPort"]
    rendered.expect(configuration["http"]["listen"] == "0.0.0.0:%d" % port, "the probes reach http.listen")
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        rendered.expect(container[probe]["httpGet"]["path"] == path, "%s asks %s" % (probe, path))
    rendered.expect(configuration["http"]["status"].startswith("127."), "the status page stays inside the pod")
    rendered.expect(configuration["http"]["adminSocket"].startswith(mounts["run"] + "/"), "the socket has a place")
    rendered.expect(configuration["state"]["path"] == mounts["state"], "the state is on the volume")
    policies = configuration["policies"]["path"]
    rendered.expect((policies + "/").startswith(mounts["policies"] + "/"), "the policies are those of the pod")
    variables = {one["name"]: one["value"] for one in container["env"]}
    rendered.expect(variables["WRITEBACK_CONFIG"] == mounts["configuration"] + "/writeback.yaml", "it is found")
    credential = configuration["tenant"]["credential"]
    files = [*credential.values(), configuration["directory"]["bind"]["simple"]["passwordFile"], configuration["directory"]["caFile"]]
    places = tuple(path + "/" for path in mounts.values())
    for path in files:
        rendered.expect(path.startswith(places), "%s is mounted" % path)
    accept(rendered, product, text)


def check_by_hand(rendered):
    """The pod in which a command runs while the daemon is stopped."""
    stateful_set = rendered.one("StatefulSet")
    words = ["release", "--all", "--expect", "1a2b3c4d5e6f"]
    made = subprocess.run(
        [KUBERNETES / "by-hand", "--print", *words], input=json.dumps(stateful_set), capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        rendered.expect(False, "a pod by hand: %s" % made.stderr.strip())
        return
    pod = json.loads(made.stdout)
    check_schema(rendered, [pod])
    spec, daemon = pod["spec"], stateful_set["spec"]["template"]["spec"]["containers"][0]
    first, *others = spec["containers"]
    rendered.expect(not others and first["args"] == words, "one container, which runs the command")
    for same in ("image", "env", "volumeMounts", "securityContext", "resources"):
        rendered.expect(first[same] == daemon[same], "%s as the daemon has it" % same)
    rendered.expect(not [key for key in first if key.endswith("Probe")], "nobody ends it early")
    rendered.expect(spec["restartPolicy"] == "Never", "it runs once")
    claims = [one["persistentVolumeClaim"]["claimName"] for one in spec["volumes"] if "persistentVolumeClaim" in one]
    own = ["%s-%s-0" % (claim["metadata"]["name"], stateful_set["metadata"]["name"])
           for claim in stateful_set["spec"]["volumeClaimTemplates"]]
    rendered.expect(claims == own, "the volume of the daemon: %s" % claims)
    mounted = {mount["name"] for one in [first, *spec["initContainers"]] for mount in one["volumeMounts"]}
    rendered.expect(mounted == {volume["name"] for volume in spec["volumes"]}, "every volume is mounted, every mount has one")
    sidecars = stateful_set["spec"]["template"]["spec"]["containers"][1:]
    rendered.expect([one["name"] for one in spec["initContainers"]] == [one["name"] for one in sidecars], "Git comes first")
    rendered.expect(all(one["args"][-1] == "--one-time" for one in spec["initContainers"]), "and once")


def accept(rendered, product, text):
    """The product's own word on configuration and policies."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        policies = root / "policies"
        policies.mkdir()
        maps = [one["data"] for one in rendered.all("ConfigMap") if one["metadata"]["name"] == "writeback-policies"]
        # Where Git brings the policies, those of the base stand for them.
        example = KUBERNETES / "base" / "policies" / "everything.yaml"
        for name, policy in (maps[0] if maps else {example.name: example.read_text(encoding="utf-8")}).items():
            (policies / name).write_text(policy, encoding="utf-8")
        path = yaml.safe_load(text)["policies"]["path"]
        (root / "writeback.yaml").write_text(text.replace(path, str(policies)), encoding="utf-8")
        ran = subprocess.run(
            [product, "--config", str(root / "writeback.yaml"), "validate"], capture_output=True, text=True, check=False
        )
        rendered.expect(ran.returncode == 0, "the product accepts it: %s%s" % (ran.stdout, ran.stderr))


def check_own(by_name):
    """What each overlay is there for."""
    token = by_name["overlays/workload-identity"]
    sources = [
        source["serviceAccountToken"]
        for volume in token.one("StatefulSet")["spec"]["template"]["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
    ]
    token.expect([one["audience"] for one in sources] == ["api://AzureADTokenExchange"], "a token for the tenant alone")
    text = token.config_map("writeback-configuration")["writeback.yaml"]
    token.expect(list(yaml.safe_load(text)["tenant"]["credential"]) == ["federatedTokenFile"], "no secret for the tenant")

    git = by_name["overlays/git-sync"]
    containers = git.one("StatefulSet")["spec"]["template"]["spec"]["containers"]
    git.expect([one["name"] for one in containers] == ["writeback", "git-sync"], "a sidecar")
    words = dict(word[2:].split("=", 1) for word in containers[1]["args"])
    mounts = [{mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]} for one in containers]
    link = (words["root"] + "/" + words["link"]).replace(mounts[1]["policies"], mounts[0]["policies"], 1)
    text = git.config_map("writeback-configuration")["writeback.yaml"]
    git.expect(yaml.safe_load(text)["policies"]["path"] == link, "the policies are behind the link: %s" % link)
    readers = [mount for mount in containers[0]["volumeMounts"] if mount["name"] == "policies"]
    git.expect(readers[0]["readOnly"] is True, "the daemon reads only")

    network = by_name["overlays/network-policy"].one("NetworkPolicy")["spec"]
    ports = [port["port"] for rule in network["egress"] for port in rule["ports"]]
    by_name["overlays/network-policy"].expect(sorted(ports) == [53, 53, 443, 636], "no other way out: %s" % ports)
    by_name["overlays/network-policy"].expect(all(rule.get("to") for rule in network["egress"]), "no rule for everywhere")

    monitor = by_name["overlays/pod-monitor"]
    ends = monitor.one("PodMonitor")["spec"]["podMetricsEndpoints"]
    ports = [port["name"] for port in monitor.one("StatefulSet")["spec"]["template"]["spec"]["containers"][0]["ports"]]
    monitor.expect([end["port"] for end in ends] == ports, "it scrapes the port of the metrics")
    rules = [rule for group in monitor.one("PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    monitor.expect(rules and all("expr" in rule for rule in rules), "rules with expressions")

    lab = by_name["overlays/lab"].one("StatefulSet")["spec"]["template"]["spec"]
    container = lab["containers"][0]
    by_name["overlays/lab"].expect(container["args"][0] == "demo", "it plays the demonstration")
    by_name["overlays/lab"].expect("-lab:" in container["image"], "on the image with the simulators")


def main():
    product = sys.argv[1]
    folders = [KUBERNETES / "base", *sorted((KUBERNETES / "overlays").iterdir())]
    rendered = [Rendered(folder) for folder in folders]
    if not WRONG:
        for one in rendered:
            check_schema(one, one.documents)
            check_promises(one)
            if one.name != "overlays/lab":
                check_daemon(one, product)
                check_by_hand(one)
        check_own({one.name: one for one in rendered})
    for sentence in WRONG:
        print("not so: %s" % sentence)
    documents = sum(len(one.documents) for one in rendered)
    print("%d renderings, %d documents, %d wrong" % (len(rendered), documents, len(WRONG)))
    sys.exit(1 if WRONG else 0)


main()
