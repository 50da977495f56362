#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "andiron/exec/memory_plan.hpp"
#include "andiron/exec/section.hpp"

namespace andiron::exec {

/// Decides the order of the nodes and where each value lives, then makes the kernels.
/// Values share storage: views lie in their source, inputs of a concat in the concat, updates in
/// the donated import; the rest lies in the arena by liveness.
class SectionBuilder {
 public:
  SectionBuilder(Section& section, SectionOptions options);
  void build();

 private:
  // A value lies at `offset` bytes into `storage`, its rows `row_stride` elements apart.
  struct Home {
    int storage = -1;
    int64_t offset = 0;
    int64_t row_stride = 0;
  };
  struct Storage {
    int base = -1;       // -1: in the arena, at blocks_[block]; else as in Section::Place
    int64_t address = 0;  // of constants
    int64_t n_bytes = 0;
    int first = -1, last = -1;
    int64_t arena_offset = 0;
  };

  void schedule();
  bool order_nodes();
  void put_late_nodes_last();
  bool follow_donation(size_t output);
  void place_leaves();
  void place_exports();
  void place_concats();
  void place_node(const Node& node, int step);
  bool place_view(const Node& node);
  bool place_slice(const Node& node);
  bool place_in_dying_input(const Node& node, int step, size_t output);
  void note_lifetimes();
  void make_steps();
  // Steps that only move memory. Places are filled in after the arena is planned.
  struct Move {
    Home from, to;
  };
  bool only_moves(const Node& node, std::vector<Move>& moves) const;
  bool same_columns(const Node& slice, Home& source) const;
  void copy_exports();

  int new_storage(Storage storage);
  Operand operand(const Value& v) const;
  Operand dense_operand(const TensorType& type) const;
  KernelRequest request_for(const Node& node) const;
  const KernelSupport& support_of(const Node& node);
  bool writes_strided(const Value& v, const Node& concat);
  Section::Place place_of(const Home& home) const;
  std::vector<Value> outputs_of(const Node& node) const;
  bool is_export(const Value& v) const { return exports_of_.count(v) > 0; }

  Section& section_;
  SectionOptions options_;
  std::vector<const Node*> nodes_;
  std::unordered_map<const Node*, int> step_of_;
  std::unordered_map<Value, std::vector<const Node*>, ValueHash> readers_;
  std::unordered_map<Value, std::vector<int>, ValueHash> exports_of_;
  std::unordered_map<Value, Home, ValueHash> home_;
  std::vector<Storage> storages_;
  // Extra edges: the key must run after the nodes in the set (readers before the writer).
  std::unordered_map<const Node*, std::unordered_set<const Node*>> after_;
  // Values that lie in a donated import: value -> export.
  std::unordered_map<Value, int, ValueHash> donated_values_;
  std::unordered_map<const Node*, KernelSupport> supports_;
  // Kernels that were made to be asked: they keep what they made of constant weights for those that
  // are made at last.
  std::vector<std::unique_ptr<Kernel>> asked_;
  std::vector<bool> export_done_;    // written directly by a kernel
  std::vector<bool> accumulates_;    // exports whose kernel adds by itself
};

}  // namespace andiron::exec
