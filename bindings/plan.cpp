#include "andiron/exec/plan.hpp"

#include <nanobind/stl/map.h>

#include "andiron/base/error.hpp"
#include "bindings/convert.hpp"
#include "bindings/tensor.hpp"

namespace andiron::bindings {

nb::list profile_rows(const std::vector<exec::NodeProfile>& profile) {
  nb::list rows;
  for (const exec::NodeProfile& node : profile) {
    nb::dict row;
    row["op"] = node.op;
    row["name"] = node.name;
    row["kernel"] = node.kernel;
    row["types"] = node.types;
    row["seconds"] = node.seconds;
    row["flops"] = node.flops;
    row["bytes"] = node.bytes;
    row["runs"] = node.runs;
    rows.append(row);
  }
  return rows;
}

void bind_plan(nb::module_& m) {
  nb::class_<exec::Plan>(m, "Plan", "A graph compiled for one set of sizes.")
      .def_static(
          "compile",
          [](const Graph& graph, const std::map<std::string, int64_t>& sizes, int threads,
             bool fuse, bool tile, int64_t tile_rows, bool profile, bool check_numerics) {
            nb::gil_scoped_release unlocked;
            return exec::Plan::compile(graph, sizes,
                                       {.threads = threads,
                                        // Fused nodes could not say which of their ops it was.
                                        .fuse = fuse && !check_numerics,
                                        .tile = tile,
                                        .tile_rows = tile_rows,
                                        .profile = profile,
                                        .check_numerics = check_numerics});
          },
          nb::arg("graph"), nb::arg("sizes") = std::map<std::string, int64_t>(),
          nb::arg("threads") = 0, nb::arg("fuse") = true, nb::arg("tile") = true,
          nb::arg("tile_rows") = 0, nb::arg("profile") = false, nb::arg("check_numerics") = false,
          "Passes, fusion, memory plan. `sizes` gives every symbol of the graph its size.")
      .def(
          "run",
          [](exec::Plan& plan, nb::args args) {
            std::vector<Tensor> inputs;
            inputs.reserve(args.size());
            for (nb::handle item : args) {
              inputs.push_back(tensor_from(item));
              if (!inputs.back().dense()) inputs.back() = inputs.back().clone();
            }
            nb::gil_scoped_release unlocked;
            return plan.run(inputs);
          },
          "Inputs in the order of the graph's placeholders; a list of outputs. Variables get "
          "their updates.")
      .def("print", &exec::Plan::print, "The graph after all passes with its memory.")
      .def(
          "stages", [](const exec::Plan& plan) { return plan.stages(); },
          "(pass, text of the graph after it), in order; \"graph\" is before the passes. Those of "
          "a "
          "stage have its name before theirs: \"per tile: fuse\".")
      .def(
          "profile", [](const exec::Plan& plan) { return profile_rows(plan.profile()); },
          "Time, operations and bytes of each node.")
      .def_prop_ro("arena_bytes", &exec::Plan::arena_bytes);
  m.def("get_threads", &exec::default_threads, "How many threads plans use by default.");
  m.def(
      "set_threads",
      [](int threads) {
        if (threads < 1) fail("[set_threads] takes a positive number; got {}", threads);
        exec::set_default_threads(threads);
      },
      nb::arg("threads"));
}

}  // namespace andiron::bindings
