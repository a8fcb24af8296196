#!/usr/bin/python3
"""Checks that the Kubernetes manifest is well-formed and keeps the promises of deploy/README.md.

Comes from: the manifest named on the command line. Goes to: standard output; exit 1 when something is wrong.
"""

import sys

import yaml

WRONG = []


def expect(condition, sentence):
    if not condition:
        WRONG.append(sentence)


def one(documents, kind, name=None):
    found = [d for d in documents if d["kind"] == kind and name in (None, d["metadata"]["name"])]
    expect(len(found) == 1, "one %s %s" % (kind, name or ""))
    return found[0]


def check(documents):
    for document in documents:
        for key in ("apiVersion", "kind", "metadata"):
            expect(key in document, "every document has %s" % key)
        if document["kind"] != "Namespace":
            expect(document["metadata"].get("namespace") == "writeback", "%s is in the namespace" % document["kind"])
    expect(not [d for d in documents if d["kind"] == "Secret"], "no secret stands in the manifest")

    stateful_set = one(documents, "StatefulSet")["spec"]
    expect(stateful_set["replicas"] == 1, "one writer")
    claim = stateful_set["volumeClaimTemplates"][0]["spec"]
    expect(claim["accessModes"] == ["ReadWriteOncePod"], "the state is mounted by one pod only")

    pod = stateful_set["template"]["spec"]
    expect(pod["securityContext"]["runAsNonRoot"], "not root")
    expect(pod["securityContext"]["runAsUser"] == 65532, "the user of the image")
    expect(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "the runtime's seccomp profile")
    expect(pod["automountServiceAccountToken"] is False, "no token of the cluster")

    container = pod["containers"][0]
    security = container["securityContext"]
    expect(security["readOnlyRootFilesystem"] is True, "the root is read-only")
    expect(security["allowPrivilegeEscalation"] is False, "no privilege escalation")
    expect(security["capabilities"] == {"drop": ["ALL"]}, "no capability")
    expect(container["livenessProbe"]["httpGet"]["path"] == "/livez", "liveness at /livez")
    expect(container["readinessProbe"]["httpGet"]["path"] == "/readyz", "readiness at /readyz")

    volumes = {volume["name"] for volume in pod["volumes"]} | {"state"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    expect(volumes == set(mounts), "every volume is mounted and every mount has a volume")
    expect(not [m for m in container["volumeMounts"] if "subPath" in m], "no subPath: such a file never changes")

    text = one(documents, "ConfigMap", "writeback-configuration")["data"]["writeback.yaml"]
    configuration = yaml.safe_load(text)
    port = container["ports"][0]["containerPort"]
    expect(configuration["http"]["listen"] == "0.0.0.0:%d" % port, "the probes reach http.listen")
    expect(configuration["state"]["path"] == mounts["state"], "the state is on the volume")
    expect(configuration["policies"]["path"] == mounts["policies"], "the policies are those of the manifest")
    secrets = (
        configuration["tenant"]["credential"]["clientSecretFile"],
        configuration["directory"]["bind"]["simple"]["passwordFile"],
    )
    for path in secrets:
        expect(path.startswith(mounts["credentials"] + "/"), "%s is mounted" % path)
    expect(configuration["directory"]["caFile"].startswith(mounts["directory-ca"] + "/"), "the authority is mounted")
    for policy in one(documents, "ConfigMap", "writeback-policies")["data"].values():
        expect(yaml.safe_load(policy)["kind"] == "WritebackPolicy", "a policy")


def main():
    with open(sys.argv[1], encoding="utf-8") as manifest:
        documents = list(yaml.safe_load_all(manifest))
    check(documents)
    for sentence in WRONG:
        print("not so: %s" % sentence)
    print("%d documents, %d wrong" % (len(documents), len(WRONG)))
    sys.exit(1 if WRONG else 0)


main()
