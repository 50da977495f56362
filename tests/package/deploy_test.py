"""deploy/: what linters say of it, and whether its parts agree with each other and with Spark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "deploy/kubernetes"
OLDEST = "1.30"  # of Kubernetes
pytestmark = pytest.mark.slow


def tool(name: str) -> Path:
    found = Path(sys.executable).parent / name
    if not found.exists():
        pytest.skip(f"no {name}: scripts/setup deploy")
    return found


def clean(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def documents() -> list[dict]:
    yaml = pytest.importorskip("yaml")
    return [
        document
        for file in sorted(MANIFESTS.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
    ]


def one(kind: str) -> dict:
    (found,) = [document for document in documents() if document["kind"] == kind]
    return found


def executor() -> dict:
    return pytest.importorskip("yaml").safe_load(one("ConfigMap")["data"]["executor.yaml"])


def settings() -> dict[str, str]:
    lines = one("ConfigMap")["data"]["spark-defaults.conf"].splitlines()
    return dict(line.split(None, 1) for line in lines)


def test_the_dockerfile_is_clean():
    clean(tool("hadolint"), "--no-color", ROOT / "deploy/Dockerfile")


def test_the_yaml_is_clean():
    rules = "{extends: default, rules: {line-length: {max: 100}}}"
    clean(tool("yamllint"), "--strict", "-d", rules, MANIFESTS)


@pytest.mark.parametrize("version", [OLDEST, "newest"])
def test_kubernetes_knows_every_field(version):
    validator = pytest.importorskip("kubernetes_validate")
    version = validator.latest_version() if version == "newest" else version
    for document in [*documents(), executor()]:
        validator.validate(document, version, strict=True)
    with pytest.raises(validator.ValidationError):
        validator.validate({**executor(), "spek": {}}, version, strict=True)


def test_driver_settings_and_executors_agree():
    service, job, given = one("Service"), one("Job")["spec"]["template"], settings()
    (driver,) = job["spec"]["containers"]
    # The service's name is the driver's, and leads to no executor.
    assert given["spark.driver.host"] == "{name}.{namespace}.svc".format(**service["metadata"])
    assert job["metadata"]["labels"].items() >= service["spec"]["selector"].items()
    assert not executor()["metadata"]["labels"].items() >= service["spec"]["selector"].items()
    ports = {port["name"]: str(port["port"]) for port in service["spec"]["ports"]}
    assert ports == {
        "driver": given["spark.driver.port"],
        "blocks": given["spark.driver.blockManager.port"],
        "progress": given["spark.andiron.progress.port"],
    }
    # One image, with one user that is not root.
    assert given["spark.kubernetes.container.image"] == driver["image"]
    for pod in (job, executor()):
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
    user = re.findall(r"^USER (\S+)$", (ROOT / "deploy/Dockerfile").read_text(), re.M)[-1]
    users = {pod["spec"]["securityContext"]["runAsUser"] for pod in (job, executor())}
    assert users == {int(user)}
    # Files of the settings lie where they are looked for.
    mounts = {mount["name"]: mount["mountPath"] for mount in driver["volumeMounts"]}
    for path in (
        given["spark.kubernetes.executor.podTemplateFile"], driver["args"][2], driver["args"][7]
    ):  # fmt: skip
        folder, _, file = path.rpartition("/")
        assert folder == mounts["settings"] and file in one("ConfigMap")["data"]
    # Executors see the shared folder where the driver sees it.
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in executor()["spec"]["volumes"]
    }
    (mount,) = executor()["spec"]["containers"][0]["volumeMounts"]
    assert claims[mount["name"]] == one("PersistentVolumeClaim")["metadata"]["name"]
    assert mount["mountPath"] == mounts["shared"]
    for argument in driver["args"][8:]:
        assert argument.startswith(f"{mounts['shared']}/")
    names = {document["metadata"]["namespace"] for document in documents()}
    assert names == {given["spark.kubernetes.namespace"]}


def test_spark_knows_every_setting():
    pyspark = pytest.importorskip("pyspark")
    jars = Path(pyspark.__file__).parent / "jars"
    code = b""
    for pattern in ("spark-core_*", "spark-kubernetes_*", "spark-network-common_*",
                    "spark-common-utils_*"):  # fmt: skip
        for jar in jars.glob(f"{pattern}.jar"):
            with zipfile.ZipFile(jar) as classes:
                named = [n for n in classes.namelist() if n.endswith(".class")]
                code += b"".join(classes.read(n) for n in named)
    options = [o.partition("=")[0] for o in one("Job")["spec"]["template"]["spec"]["containers"][0]
               ["args"] if o.startswith("spark.")]  # fmt: skip
    ours = {"spark.andiron.progress.port"}
    for name in {*settings(), *options} - ours:
        assert name.encode() in code, f"Spark has no {name}"
    assert b"spark.kubernetes.executor.podTemplateFil3" not in code


def test_the_script_trains(tmp_path):
    pytest.importorskip("pyspark")
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        pytest.skip("no Java")
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=500), "b": rng.normal(size=500)})
    rows.assign(label=rows.a - rows.b).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "train.py").write_text(one("ConfigMap")["data"]["train.py"])
    local = {
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.executor.instances=2 "
        "--conf spark.ui.enabled=false --conf spark.driver.bindAddress=127.0.0.1 "
        "--conf spark.driver.host=127.0.0.1 pyspark-shell",
        "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYSPARK_PYTHON": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, "train.py", "rows.parquet", "model", "checkpoints"], cwd=tmp_path,
        env={**os.environ, **local}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert "epoch 10/10: loss" in done.stdout
    assert (tmp_path / "model/model.safetensors").exists()
    assert list((tmp_path / "checkpoints").glob("run-*"))


def test_a_wheel_of_debian_12_runs_on_ubuntu_22():
    """The image's first stage is the one, its second the other: libc 2.35, libstdc++ of g++ 12."""
    version = Path("/etc/debian_version")
    if not version.exists() or not version.read_text().startswith("12."):
        pytest.skip("this is not Debian 12")
    (extension,) = (ROOT / "python/andiron").glob("_core*.so")
    symbols = subprocess.run(
        ["objdump", "-T", str(extension)], check=True, capture_output=True, text=True
    ).stdout
    newest = {
        library: max(
            tuple(map(int, v.split("."))) for v in re.findall(rf"{library}_([\d.]+)", symbols)
        )
        for library in ("GLIBC", "GLIBCXX")
    }
    assert newest["GLIBC"] <= (2, 35) and newest["GLIBCXX"] <= (3, 4, 30)
