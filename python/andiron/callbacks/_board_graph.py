"""A model's network as TensorBoard draws it: a node for each op, in the scopes of the layers."""

from __future__ import annotations

from typing import Any


def graph_def(model: Any) -> bytes:
    """The network in inference mode as a serialized GraphDef."""
    from tensorboardX.proto import attr_value_pb2, graph_pb2, tensor_shape_pb2, versions_pb2

    def shape_of(value: Any) -> Any:
        sizes = [n if isinstance(n, int) else -1 for n in value.shape]
        dims = [tensor_shape_pb2.TensorShapeProto.Dim(size=n) for n in sizes]
        return tensor_shape_pb2.TensorShapeProto(dim=dims)

    out = graph_pb2.GraphDef(versions=versions_pb2.VersionDef(producer=22))
    names: dict[str, str] = {}
    used: set[str] = set()
    graph = model.graph()

    def visit(value: Any) -> str:
        """The name of a value's node; made with all before it when it is new."""
        stack = [(value, False)]
        while stack:
            v, ready = stack.pop()
            if v.key in names:
                continue
            if not ready:
                stack.append((v, True))
                stack += [(x, False) for x in reversed(v.inputs)]
                continue
            names[v.key] = name = _unused(_name(v), used)
            node = out.node.add(name=name, op=v.op)
            node.input.extend(names[x.key] for x in v.inputs)
            attr = node.attr["_output_shapes"]
            attr.list.CopyFrom(attr_value_pb2.AttrValue.ListValue(shape=[shape_of(v)]))
        return names[value.key]

    for output, layer in zip(graph.outputs, model.output_names, strict=True):
        out.node.add(name=_unused(f"output/{layer}", used), op="Output", input=[visit(output)])
    return out.SerializeToString()


def _name(value: Any) -> str:
    """ "dense_1/matmul": the layer's name, then the op's."""
    given = value.name.replace(" ", "_")
    if value.op in ("input", "variable"):
        return given or value.op
    return f"{given}/{value.op}" if given else value.op


def _unused(name: str, used: set[str]) -> str:
    n, unused = 0, name
    while unused in used:
        n += 1
        unused = f"{name}_{n}"
    used.add(unused)
    return unused
