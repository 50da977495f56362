"""Files that are no models, or parts of one: one line that says what they are."""

import numpy as np
import pytest
from andiron._about import about

import andiron
from andiron import Input, Sequential, layers, models, onnx


def net(*units):
    return Sequential([Input((2,)), *(layers.Dense(n) for n in units)])


@pytest.fixture
def saved(tmp_path):
    model = net(3, 1)
    model.compile("adam", "mse")
    model.save(tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def said(path, *functions):
    texts = set()
    for function in functions or (models.load_model, models.load, net(3, 1).load_weights):
        with pytest.raises((OSError, andiron.Error)) as error:
            function(str(path))
        text = str(error.value)
        assert "\n" not in text and ".cpp" not in text and ".hpp" not in text, text
        texts.add(text.split("'", 1)[1])
    assert len(texts) == 1
    return texts.pop()


def part(saved, name, rows):
    path = saved.parent / name
    path.write_bytes(saved.read_bytes()[rows])
    return path


def test_files_that_are_cut_short(saved):
    everything = models.load_model, models.load, net(3, 1).load_weights, about
    size = saved.stat().st_size
    for keep in (3, 9, 100, size // 2, size - 1):
        path = part(saved, "half.safetensors", slice(0, keep))
        assert "is cut short" in said(path) and "copy or download it again" in said(path)
        assert "cut short" in said(path, about)
    assert f"it has {size - 1:,} of {size:,} bytes" in said(path)
    assert "is empty" in said(part(saved, "none.safetensors", slice(0, 0)), *everything)


def test_a_damaged_file_says_so(saved):
    data = bytearray(saved.read_bytes())
    data[-3] ^= 1
    saved.write_bytes(data)
    assert "the file is damaged: its checksum" in said(saved)


def test_other_files_say_what_opens_them(saved, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n" * 50)
    assert "is a table, no model: andiron.data.from_csv reads it" in said(tmp_path / "rows.csv")
    assert "andiron.data.from_csv reads it" in said(tmp_path / "rows.csv", about)
    onnx.save(net(1), tmp_path / "net.onnx")
    only = models.load_model, net(3, 1).load_weights
    assert "is an ONNX model: andiron.onnx.load" in said(tmp_path / "net.onnx", *only)
    (tmp_path / "words.txt").write_text("nothing that is known\n" * 9)
    assert "is no file of Andiron: it begins with b'nothing that" in said(tmp_path / "words.txt")
    assert "is a folder" in said(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"PK\3\4" + bytes(100))
    only = models.load_model, models.load
    assert "is a file of PyTorch" in said(tmp_path / "weights.pt", *only)
    assert "PyTorch" not in said(tmp_path / "weights.pt", net(1).load_weights)
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"w": np.zeros(2, "f")}, tmp_path / "tensors.safetensors")
    assert "is a file of tensors alone" in said(tmp_path / "tensors.safetensors", *only)


def test_a_checkpoint_says_what_takes_it(tmp_path):
    model = net(1)
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 2), "f"), np.zeros(4, "f"), verbose=0, checkpoint_dir=tmp_path)
    (path,) = tmp_path.glob("checkpoint-*.safetensors")
    assert "is a checkpoint: fit(checkpoint_dir=" in said(path, models.load_model)


def test_a_file_that_is_not_there_is_the_usual_error(tmp_path):
    for function in (models.load_model, models.load, net(1).load_weights):
        with pytest.raises(FileNotFoundError, match="No such file or directory: '.*none.st'") as e:
            function(tmp_path / "none.st")
        assert e.value.filename == str(tmp_path / "none.st")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ((3,), "has 4 weights, the model 2: the model has no 'dense.*/kernel' .3, 1."),
        ((3, 1, 1), "has 4 weights, the model 6: the file has no 'dense.*/kernel' .1, 1."),
        ((4, 1), r"for 'dense.*/kernel' \[2, 4\] the file has 'dense.*/kernel' \[2, 3\]"),
    ],
)
def test_weights_of_another_network_name_the_first_that_does_not_fit(saved, other, words):
    model = net(*other)
    before = model.get_weights()
    with pytest.raises(andiron.Error, match=words):
        model.load_weights(saved)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
